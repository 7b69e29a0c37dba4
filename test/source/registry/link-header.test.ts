import { describe, expect, test } from 'vitest';
import { nextLink } from '#dimgx/source/registry/link-header.js';

describe('the next page', () => {
  test.each([
    ['</v2/_catalog?last=b&n=2>; rel="next"', '/v2/_catalog?last=b&n=2'],
    ['</a>;rel=next', '/a'],
    ['<https://h/a>; title="x, y"; rel="prev next"', 'https://h/a'],
    ['</a>; rel="prev", </b>; rel="NEXT"', '/b'],
    ['</a,b;c>; rel=next', '/a,b;c'],
  ])('by %s is %s', (header, link) => {
    expect(nextLink([header])).toBe(link);
  });

  test.each(['', '</a>', '</a>; rel="prev"', '</a>; rel="nextish"', 'rel=next', '</a; rel=next'])(
    'by %s is none',
    (header) => {
      expect(nextLink([header])).toBeUndefined();
    },
  );

  test('may be in a header of its own', () => {
    expect(nextLink(['</a>; rel="first"', '</b>; rel="next"'])).toBe('/b');
  });
});
