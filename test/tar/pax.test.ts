import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodePax, parsePax, paxInteger, paxTime } from '#dimgx/tar/pax.js';

const bytesOf = (text: string) => Buffer.from(text, 'latin1');
const badPax = expect.objectContaining({ code: 'DIMGX_TAR_BAD_PAX' });

function parse(body: string): readonly (readonly [string, string])[] {
  return parsePax(bytesOf(body)).map(({ key, value }) => [key, Buffer.from(value).toString('latin1')] as const);
}

describe('records', () => {
  test.each([
    ['one', '9 path=x\n', [['path', 'x']]],
    [
      'several',
      '9 path=x\n6 a=b\n',
      [
        ['path', 'x'],
        ['a', 'b'],
      ],
    ],
    ['none', '', []],
    ['without a value', '8 path=\n', [['path', '']]],
    ['with a second equals sign', '9 k=a=b=\n', [['k', 'a=b=']]],
    ['with a newline and a NUL in the value of an xattr', '10 k=a\n\0c\n', [['k', 'a\n\0c']]],
    ['with bytes that are not UTF-8', '10 path=\xff\n', [['path', '\xff']]],
    ['with zeros before the length', '0009 k=v\n', [['k', 'v']]],
    ['with a blank in the key', '8 a b=c\n', [['a b', 'c']]],
  ])('%s', (_, body, records) => expect(parse(body)).toEqual(records));

  test('the raw bytes of a record are all of it', () => {
    const [first, second] = parsePax(bytesOf('9 path=x\n6 a=b\n'));
    expect([first, second].map((record) => Buffer.from(record?.raw ?? []).toString())).toEqual([
      '9 path=x\n',
      '6 a=b\n',
    ]);
  });
});

describe('malformed records are refused', () => {
  test.each([
    ['too long for the header', '11 path=x\n'],
    ['too short by one', '8 path=x\n'],
    ['without a newline', '9 path=xy'],
    ['without a length', 'path=x\n'],
    ['of length zero', '0 path=x\n'],
    ['of a length below five', '4 a=\n'],
    ['whose length ends in its own digits', '00000005 a=b\n'],
    ['of negative length', '-9 path=x\n'],
    ['of a length with a sign', '+9 path=x\n'],
    ['of a length that has no end', '99999999999999999999 path=x\n'],
    ['without an equals sign', '8 pathx\n'],
    ['without a key', '7 =abc\n'],
    ['with an equals sign only in the next record', '5 ab\n9 path=x\n'],
    ['with a NUL in a path', '11 path=a\0\n'],
    ['with a NUL in a link path', '14 linkpath=\0\n'],
    ['with a NUL in the name of a sparse file', '22 GNU.sparse.name=a\0\n'],
    ['with a NUL in a key', '7 a\0=b\n'],
    ['behind a good one', '9 path=x\njunk'],
    ['that are zeros', '9 path=x\n\0\0\0'],
  ])('%s', (_, body) => expect(() => parse(body)).toThrow(badPax));
});

test('a record that is written is read again', () => {
  const keys = fc.stringMatching(/^[ -<>-~\xa0-\xff]{1,200}$/);
  fc.assert(
    fc.property(keys, fc.uint8Array({ maxLength: 2000 }), (key, value) => {
      const record = encodePax(key, value);
      if (['path', 'linkpath', 'uname', 'gname', 'GNU.sparse.name'].includes(key)) return;
      const [read, ...more] = parsePax(record);
      expect(more).toEqual([]);
      expect(read?.key).toBe(key);
      expect(Buffer.from(read?.value ?? []).equals(Buffer.from(value))).toBe(true);
    }),
  );
});

test.each([4, 5, 94, 95, 96, 97, 98, 993, 994, 995, 996, 9990, 9991])(
  'a record with a value of %i bytes counts the digits of its own length',
  (length) => {
    const record = encodePax('k', Buffer.alloc(length, 'v'));
    expect(Number.parseInt(record.toString(), 10)).toBe(record.length);
  },
);

describe('numbers and times', () => {
  test.each([
    ['0', 0],
    ['-5', -5],
    ['4294967294', 4294967294],
    ['+7', 7],
    ['0000012', 12],
  ])('%s is a number', (text, value) => expect(paxInteger(bytesOf(text), 'uid')).toBe(value));

  test.each(['', '1.5', '0x10', '1e3', ' 1', '1 ', 'a', '--1', '99999999999999999999'])('%j is no number', (text) =>
    expect(() => paxInteger(bytesOf(text), 'uid')).toThrow(badPax),
  );

  test.each([
    ['1500000000', 1500000000, 0],
    ['1500000000.999999999', 1500000000, 999999999],
    ['1500000000.5', 1500000000, 500000000],
    ['1500000000.1234567899', 1500000000, 123456789],
    ['1500000000.', 1500000000, 0],
    ['-1', -1, 0],
    ['-1.25', -2, 750000000],
    ['-0.5', -1, 500000000],
    ['253402300800.000000001', 253402300800, 1],
  ])('%s is a time', (text, seconds, nanos) => expect(paxTime(bytesOf(text), 'mtime')).toEqual({ seconds, nanos }));

  test.each(['', '.5', '1.5.5', '1,5', '1.-5', '1e9', 'now', '99999999999999999999'])('%j is no time', (text) =>
    expect(() => paxTime(bytesOf(text), 'mtime')).toThrow(badPax),
  );
});
