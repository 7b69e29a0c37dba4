import { describe, expect, test } from 'vitest';
import { nextLink } from '#dimgx/base/http/headers.js';

describe('the next page', () => {
  test.each([
    ['</v2/_catalog?last=b&n=2>; rel="next"', '/v2/_catalog?last=b&n=2'],
    ['</a>;rel=next', '/a'],
    ['<https://h/a>; title="x, y"; rel="prev next"', 'https://h/a'],
    ['</a>; rel="prev", </b>; rel="NEXT"', '/b'],
    ['</a,b;c>; rel=next', '/a,b;c'],
    ['</a>', '/a'],
    ['</a>; title="x"', '/a'],
    ['</a>; rel=""', '/a'],
    ['/a; rel="next"', '/a'],
    ['https://h/a?n=1', 'https://h/a?n=1'],
    ['</a; rel=next', '/a'],
    ['< /a >; REL = "Next"', '/a'],
    ["</a>; rel='next'", '/a'],
    ['</b>; title="</a>; rel=next"; rel=prev, </c>;;rel=next;,', '/c'],
    ['</b>; title="\\\\"; rel=prev, </c>; rel=next', '/c'],
    ['</p>; rel="prev", </a>', '/a'],
    ['; rel="next"', ''],
    ['<>; rel="next"', ''],
  ])('by %s is %s', (header, link) => {
    expect(nextLink([header])).toBe(link);
  });

  test.each(['', ' , ', '</a>; rel="prev"', '</a>; rel="nextish"', '</a>; rel=first, </b>; rel=last'])(
    'by %s is none',
    (header) => {
      expect(nextLink([header])).toBeUndefined();
    },
  );

  test('is found in time that grows with the header only', () => {
    const long = '"'.repeat(2 ** 16) + ';a=  '.repeat(2 ** 14) + '<'.repeat(2 ** 16);
    expect(nextLink([`</a>; rel=next, ${long}`]) === '/a').toBe(true);
  });

  test('may be in a header of its own', () => {
    expect(nextLink(['</a>; rel="first"', '</b>; rel="next"'])).toBe('/b');
  });
});
