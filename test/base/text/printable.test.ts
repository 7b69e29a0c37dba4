import { describe, expect, test } from 'vitest';
import { printable } from '#dimgx/base/text/printable.js';

describe('printable', () => {
  test('leaves text of any script as it is', () => {
    expect(printable('a b\\c "é" 日本 🐳')).toBe('a b\\c "é" 日本 🐳');
  });

  test('escapes what would drive a terminal or break the line', () => {
    expect(printable('\x1b[2J\r\n\t\x7f\x9b')).toBe('\\x1b[2J\\r\\n\\t\\x7f\\x9b');
  });

  test('escapes bidirectional, invisible and separating characters and lone surrogates', () => {
    expect(printable('\u202e\u2066\u200b\u2028\ufeff\ud800')).toBe(
      '\\u{202e}\\u{2066}\\u{200b}\\u{2028}\\u{feff}\\u{d800}',
    );
  });

  test('shows bytes as UTF-8 and escapes those that are not', () => {
    expect(printable(Buffer.from([0x61, 0xff, 0xc3, 0xa9, 0xc3, 0x0a]))).toBe('a\\xffé\\xc3\\n');
    expect(printable(Buffer.from([0xed, 0xa0, 0x80]))).toBe('\\xed\\xa0\\x80');
  });

  test('cuts what is longer than the limit', () => {
    expect(printable('abcdef', 4)).toBe('abc…');
    expect(printable('abcd', 4)).toBe('abcd');
    expect(printable(Buffer.alloc(100, 0x61), 4)).toBe('aaa…');
  });
});
