import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { parseChallenges } from '#dimgx/base/http/headers.js';

/** Scheme and parameters, as pairs. */
const parsed = (...headers: string[]) =>
  parseChallenges(headers).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

describe('challenges', () => {
  test.each<[string, unknown[]]>([
    ['Basic realm="a b"', [['basic', { realm: 'a b' }]]],
    [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
      [
        [
          'bearer',
          {
            realm: 'https://auth.docker.io/token',
            service: 'registry.docker.io',
            scope: 'repository:a/b:pull,push',
          },
        ],
      ],
    ],
    ['bEARER REALM=x', [['bearer', { realm: 'x' }]]],
    ['Bearer realm = "x" , error="invalid_token"', [['bearer', { realm: 'x', error: 'invalid_token' }]]],
    [
      'Negotiate, Basic realm="a\\"b\\\\", Bearer realm="c"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'a"b\\' }],
        ['bearer', { realm: 'c' }],
      ],
    ],
    [
      'Bearer realm=https://a.example/token?x=1,service=b',
      [['bearer', { realm: 'https://a.example/token?x=1', service: 'b' }]],
    ],
    [
      'Negotiate YWJj/+==, NTLM TlRM , Basic realm="a", Bearer realm="b"',
      [
        ['negotiate', {}],
        ['ntlm', {}],
        ['basic', { realm: 'a' }],
        ['bearer', { realm: 'b' }],
      ],
    ],
    [', ,Basic realm=""', [['basic', { realm: '' }]]],
    ['', []],
    ['"', []],
    ['Basic realm="no end', [['basic', {}]]],
    ['Bearer realm="a"garbage=, Basic', [['bearer', { realm: 'a' }]]],
  ])('in %s', (header, challenges) => {
    expect(parsed(header)).toEqual(challenges);
  });

  it('may stand in several headers', () => {
    expect(parsed('Basic realm="a"', 'Bearer realm="b"')).toEqual([
      ['basic', { realm: 'a' }],
      ['bearer', { realm: 'b' }],
    ]);
  });

  it('are read in any text, to an end', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab ,="\\\t') }), (text) => {
        for (const { scheme } of parseChallenges([text])) expect(scheme).toMatch(/^[ab]+$/);
      }),
    );
  });

  it('say what was written', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (realm, service) => {
        const quote = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;
        const header = `Bearer realm=${quote(realm)},service=${quote(service)}`;
        expect(parsed(header)).toEqual([['bearer', { realm, service }]]);
      }),
    );
  });
});
