import { describe, expect, test } from 'vitest';
import { PassingTar } from '#dimgx/tar/passing-tar.js';
import { inPieces } from '../helpers/convert.js';
import { extension, rawLayer } from '../helpers/raw-layer.js';

const ENTRIES = [
  { name: 'a', content: 'one' },
  { name: 'b'.repeat(150), content: 'two'.repeat(400) },
  { name: 'c', type: '5' },
  { name: 'd', content: 'x', pax: [['SCHILY.xattr.user.a', 'b']] },
] as const;

/** What passes by: the names, the contents, and what may be asked at the end. */
async function passed(tar: Uint8Array, length: number) {
  const seen: string[] = [];
  let contents = '';
  const passing = new PassingTar({
    begin(entry) {
      seen.push(Buffer.from(entry.name).toString());
      contents = '';
      return undefined;
    },
    contents(bytes) {
      contents += Buffer.from(bytes).toString();
      return undefined;
    },
    end() {
      seen.push(contents);
      return undefined;
    },
  });
  for (const piece of inPieces(tar, length)) await passing.push(piece);
  return { seen, ended: passing.ended, hasTail: passing.hasTail };
}

const LENGTHS = [1, 7, 511, 512, 513, 1536, 100_000];
const SEEN = ['a', 'one', 'b'.repeat(150), 'two'.repeat(400), 'c', '', 'd', 'x'];

test.each(LENGTHS)('entries pass by, in pieces of %i bytes', async (length) => {
  expect(await passed(rawLayer(ENTRIES), length)).toEqual({ seen: SEEN, ended: true, hasTail: false });
  const cut = rawLayer(ENTRIES, { zeroBlocks: 0 });
  expect(await passed(cut, length)).toEqual({ seen: SEEN, ended: false, hasTail: false });
});

describe.each(LENGTHS)('in pieces of %i bytes', (length) => {
  test.each([
    ['zeros', Buffer.alloc(5000), false],
    ['a byte', Buffer.from([0, 0, 1]), true],
    ['another tar', rawLayer(ENTRIES), true],
    ['a byte in the second block of the end mark', undefined, true],
  ])('what follows the end is seen, but is no entry: %s', async (_, tail, hasTail) => {
    const tar = Buffer.concat([rawLayer(ENTRIES), tail ?? Buffer.alloc(0)]);
    if (!tail) tar[tar.length - 1] = 1;
    expect(await passed(tar, length)).toEqual({ seen: SEEN, ended: true, hasTail });
  });

  test.each(['x', 'g'])('extensions without an entry (%s) are refused', async (type) => {
    const tar = rawLayer([extension(type, '9 a=bcde\n')]);
    await expect(passed(tar, length)).rejects.toMatchObject({ code: 'DIMGX_TAR_BAD_PAX' });
    const global = rawLayer([extension('g', '9 a=bcde\n'), ...ENTRIES]);
    await expect(passed(global, length)).rejects.toMatchObject({ code: 'DIMGX_TAR_BAD_PAX' });
  });
});
