import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ownerOf, parseNumber, writeNumber } from '#dimgx/tar/number.js';

function parse(field: string): number {
  const bytes = Buffer.from(field, 'latin1');
  return parseNumber(bytes, 0, bytes.length, 'size');
}

describe('a number', () => {
  test.each([
    ['octal with an end mark', '0000644\0', 0o644],
    ['octal with a blank for end mark', '0000644 ', 0o644],
    ['octal with both', '000644 \0', 0o644],
    ['octal without an end mark', '77777777', 0o77777777],
    ['leading blanks', '    644\0', 0o644],
    ['leading NULs', '\0\0\x00644\0', 0o644],
    ['a single digit', '7\0\0\0\0\0\0\0', 7],
    ['nothing', '\0\0\0\0\0\0\0\0', 0],
    ['blanks only', '        ', 0],
    ['rubbish behind the end mark', '644\x00junk', 0o644],
    ['the most that twelve digits hold', '777777777777', 8 ** 12 - 1],
    ['base-256', '\x80\0\0\0\0\0\x01\x00', 256],
    ['base-256 of eight bytes, filled', '\xbf\xff\xff\xff\xff\xff\xff\xff', 2 ** 62],
    ['base-256, minus one', '\xff\xff\xff\xff\xff\xff\xff\xff', -1],
    ['base-256, minus 256', '\xff\xff\xff\xff\xff\xff\xff\x00', -256],
    ['base-256 of twelve bytes', '\x80\0\0\0\0\0\0\x02\0\0\0\0', 2 ** 33],
  ])('%s', (_, field, value) => expect(parse(field)).toBe(value));
});

test.each([
  [0, 0],
  [4_294_967_295, 4_294_967_295],
  [4_294_967_296, undefined],
  [-1, 4_294_967_295],
  [-2, 4_294_967_294],
  [-(2 ** 31), 2 ** 31],
  [-(2 ** 31) - 1, undefined],
])('the owner %d is %s', (number, owner) => expect(ownerOf(number)).toBe(owner));

describe('no number', () => {
  test.each([
    ['a decimal digit', '0000689\0'],
    ['a letter', '00006a4\0'],
    ['a minus', '-000644\0'],
    ['a blank between digits', '00 00644'],
    ['a blank before rubbish', '644 junk'],
    ['base-256 beyond 63 bits', '\x80\0\0\0\x80\0\0\0\0\0\0\0'],
    ['base-256 with a high byte', '\xa0\0\0\0\0\0\0\0\0\0\0\0'],
    ['base-256 below what 63 bits hold', '\xff\xff\xff\xff\x7f\0\0\0\0\0\0\0'],
  ])('%s', (_, field) => {
    expect(() => parse(field)).toThrow(expect.objectContaining({ code: 'DIMGX_TAR_BAD_HEADER' }));
  });
});

test('what is written is read again, in fields of every length', () => {
  const fits = fc.constantFrom(8, 12).chain((length) => {
    const most = length === 8 ? 2 ** 53 - 1 : Number.MAX_SAFE_INTEGER;
    return fc.tuple(fc.constant(length), fc.integer({ min: -most, max: most }));
  });
  fc.assert(
    fc.property(fits, ([length, value]) => {
      const bytes = Buffer.alloc(length + 2, 0xaa);
      writeNumber(bytes, 1, length, value);
      expect(parseNumber(bytes, 1, length, 'size')).toBe(value);
      expect([bytes[0], bytes[length + 1]]).toEqual([0xaa, 0xaa]);
    }),
  );
});
