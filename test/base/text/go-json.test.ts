import { describe, expect, test } from 'vitest';
import { goFields, parseGoJson, tryParseJson } from '#dimgx/base/text/go-json.js';

describe('JSON, if it is any', () => {
  test('is parsed', () => {
    expect(tryParseJson('{"a":[1]}')).toEqual({ a: [1] });
    expect(tryParseJson('null')).toBeNull();
  });

  test.each(['', 'nothing', '{"a":1} {"b":2}'])('%j is none', (text) => {
    expect(tryParseJson(text)).toBeUndefined();
  });
});

describe('JSON as Go reads it', () => {
  test('ends with its first value', () => {
    expect(parseGoJson('{"a":"}"} {"b":2}')).toEqual({ a: '}' });
  });

  test('may begin with a byte order mark', () => {
    expect(parseGoJson('\ufeff{"a":1}')).toEqual({ a: 1 });
  });

  test('is none where the text does not begin with a value', () => {
    expect(parseGoJson('secret {"a":1}')).toBeUndefined();
  });

  test('names its fields in any letter case, and the last one wins unless it is null', () => {
    expect(goFields({ AUTH: 'a', auth: 'b', Auth: null, other: 1 }, ['auth'])).toEqual({ auth: 'b' });
  });

  test('joins objects of the same name', () => {
    expect(goFields({ auths: { a: 1 }, Auths: { b: 2 } }, ['auths'])).toEqual({ auths: { a: 1, b: 2 } });
  });
});
