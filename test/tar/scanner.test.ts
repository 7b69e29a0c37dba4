import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DimgxError } from '#dimgx/errors.js';
import { GNU, longHeader, paxHeader, rawEntry, rawTar, readPieces, readTar } from '../helpers/raw-tar.js';

/** Every kind of header and of contents, with odd lengths. */
const parts = [
  rawEntry({ name: 'dir/', type: '5' }),
  rawEntry({ name: 'dir/empty' }),
  rawEntry({ name: 'dir/one' }, 'x'),
  longHeader('L', 'deep/'.repeat(120)),
  longHeader('K', 'far/'.repeat(200)),
  rawEntry({ name: 'deep', type: '2', link: 'far' }),
  paxHeader({ path: 'named by pax', mtime: '1.25', 'SCHILY.xattr.user.x': 'a\nb\0c' }),
  rawEntry({ name: 'pax' }, 'y'.repeat(513)),
  rawEntry({ type: 'g' }, '19 comment=0123456\n'),
  rawEntry({ name: 'whole block' }, 'z'.repeat(512)),
  paxHeader({
    'GNU.sparse.major': '1',
    'GNU.sparse.minor': '0',
    'GNU.sparse.realsize': '9999',
    'GNU.sparse.name': 'sparse',
  }),
  rawEntry(
    { name: 'GNUSparseFile.0/sparse' },
    Buffer.concat([Buffer.from('1\n1024\n700\n'), Buffer.alloc(501), Buffer.alloc(700, 's')]),
  ),
  rawEntry(
    { name: 'old sparse', type: 'S', magic: GNU, patch: { 386: '00000002000\x0000000001000\0', 483: '00000010000\0' } },
    's'.repeat(512),
  ),
  rawEntry({ name: 'last' }, 'odd'),
];
const archive = rawTar(...parts);

function* piecesOf(bytes: Uint8Array, length: () => number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + length());
    at += piece.length;
    yield piece;
  }
}

describe('an archive in pieces is the archive in one', () => {
  test.each([1, 2, 100, 511, 512, 513, 1024, 4095, 65536])('of %i bytes', async (length) => {
    expect(readPieces(piecesOf(archive, () => length))).toEqual(await readTar(archive));
  });

  test('of any lengths', async () => {
    const whole = await readTar(archive);
    expect(whole).toHaveLength(9);
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: 0, max: 2000 })), (lengths) => {
        const next = lengths[Symbol.iterator]();
        expect(readPieces(piecesOf(archive, () => next.next().value))).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });

  test('when it is larger than a window, with its extensions across the edge', async () => {
    const filler = rawEntry({ name: 'filler' }, 'f'.repeat(50_000));
    for (const shift of [0, 512, 1024, 14_336]) {
      const large = rawTar(filler, rawEntry({}, 'g'.repeat(shift)), paxHeader({ path: 'p'.repeat(20_000) }), ...parts);
      expect(readPieces(piecesOf(large, () => 3000))).toEqual(await readTar(large));
    }
  });
});

describe('the end', () => {
  const entry = rawEntry({ name: 'a' }, 'abc');
  const zeros = (length: number) => Buffer.alloc(length);

  test.each<[string, Uint8Array[], number]>([
    ['two zero blocks', [entry, zeros(1024)], 1],
    ['a whole record of zeros', [entry, zeros(10_240)], 1],
    ['one zero block', [entry, zeros(512)], 1],
    ['no zero block', [entry], 1],
    ['no padding', [entry.subarray(0, 515)], 1],
    ['half the padding', [entry.subarray(0, 700)], 1],
    ['nothing at all', [], 0],
    ['1024 zeros', [zeros(1024)], 0],
    ['10240 zeros', [zeros(10_240)], 0],
    ['one zero block and nothing else', [zeros(512)], 0],
    ['a long name of nothing', [entry, longHeader('L', 'x')], 1],
    ['a long name of nothing, and zeros', [entry, longHeader('L', 'x'), zeros(1024)], 1],
    ['a long name of nothing, without padding', [entry, longHeader('L', 'x').subarray(0, 514)], 1],
    ['a PAX header of nothing', [entry, paxHeader({ path: 'x' })], 1],
    ['a global PAX header', [entry, rawEntry({ type: 'g' }, '9 path=x\n')], 1],
    ['data behind the end', [entry, zeros(1024), rawEntry({ name: 'b' })], 1],
    ['rubbish behind the end', [entry, zeros(1024), Buffer.from('junk')], 1],
  ])('may be %s', async (_, all, count) => {
    const bytes = Buffer.concat(all);
    expect(await readTar(bytes)).toHaveLength(count);
    expect(readPieces(piecesOf(bytes, () => 100))).toHaveLength(count);
  });

  test.each<[string, Uint8Array[], string]>([
    ['one zero block and then more entries', [entry, zeros(512), entry], 'DIMGX_TAR_BAD_HEADER'],
    ['a zero block and a half', [entry, zeros(700)], 'DIMGX_TAR_TRUNCATED'],
    ['half a zero block', [entry, zeros(100)], 'DIMGX_TAR_TRUNCATED'],
    ['half a header', [entry, entry.subarray(0, 100)], 'DIMGX_TAR_TRUNCATED'],
    ['half the contents', [entry, entry.subarray(0, 514)], 'DIMGX_TAR_TRUNCATED'],
    ['half a long name', [entry, longHeader('L', 'xyz').subarray(0, 514)], 'DIMGX_TAR_TRUNCATED'],
    ['a size that lies', [rawEntry({ size: 8 ** 11 - 1 }, 'abc')], 'DIMGX_TAR_TRUNCATED'],
    ['less than a header', [Buffer.from('hello\n')], 'DIMGX_TAR_NOT_A_TAR'],
    ['what is no header', [Buffer.alloc(2048, 'a')], 'DIMGX_TAR_NOT_A_TAR'],
  ])('is not %s', async (_, all, code) => {
    const bytes = Buffer.concat(all);
    await expect(readTar(bytes)).rejects.toEqual(expect.objectContaining({ code }));
    expect(() => readPieces(piecesOf(bytes, () => 100))).toThrow(expect.objectContaining({ code }));
  });

  test('is not what begins otherwise: the first bytes are shown, by which a format can be told', async () => {
    const message = expect.stringMatching(/begins with 04224d1861626364$/);
    await expect(readTar(Buffer.from(`\x04"M\x18${'abcd'.repeat(512)}`, 'latin1'))).rejects.toThrow(
      expect.objectContaining({ code: 'DIMGX_TAR_NOT_A_TAR', message }),
    );
  });
});

/**
 * Where Go's archive/tar, read to its end, accepts an archive that is cut off there: between headers, inside the
 * padding of contents or of an extension, behind one zero block.
 */
function acceptedCuts(): ReadonlySet<number> {
  const cuts = new Set<number>();
  let at = 0;
  for (const part of parts) {
    const size = Number.parseInt(part.toString('latin1', 124, 135), 8);
    const hasContents = !'125'.includes(part.toString('latin1', 156, 157));
    const end = at + 512 + (hasContents ? size : 0);
    at += part.length;
    for (let cut = end; cut <= at; cut++) cuts.add(cut);
  }
  return cuts
    .add(0)
    .add(at + 512)
    .add(at + 1024);
}

/** How many of the entries are read, and all as in the whole archive; or the code of the refusal. */
async function outcomeOf(read: () => unknown, whole: string): Promise<string> {
  try {
    const entries = (await read()) as readonly unknown[];
    const text = JSON.stringify(entries);
    return whole.startsWith(text.slice(0, -1)) ? 'accepted' : `read otherwise: ${text}`;
  } catch (error) {
    return error instanceof DimgxError ? error.code : String(error);
  }
}

test('cut off at any byte, an archive is accepted where engines do, and truncated elsewhere', async () => {
  const accepted = acceptedCuts();
  const whole = JSON.stringify(await readTar(archive));
  const expected: string[] = [];
  const inOne: string[] = [];
  const inPieces: string[] = [];
  for (let cut = 0; cut <= archive.length; cut++) {
    const bytes = archive.subarray(0, cut);
    const refusal = cut < 512 ? 'DIMGX_TAR_NOT_A_TAR' : 'DIMGX_TAR_TRUNCATED';
    expected.push(`${cut} ${accepted.has(cut) ? 'accepted' : refusal}`);
    inOne.push(`${cut} ${await outcomeOf(() => readTar(bytes), whole)}`);
    inPieces.push(`${cut} ${await outcomeOf(() => readPieces(piecesOf(bytes, () => 700)), whole)}`);
  }
  expect(inOne).toEqual(expected);
  expect(inPieces).toEqual(expected);
});

test('what follows the end mark is told from zeros', async () => {
  const { scanTar } = await import('#dimgx/tar/scan.js');
  const endOf = (bytes: Uint8Array) =>
    scanTar(
      (into, position) => into.set(bytes.subarray(position, position + into.length)),
      bytes.length,
      () => {},
    );
  expect(await endOf(Buffer.concat([archive, Buffer.alloc(9000)]))).toEqual({
    trailing: 'nothing',
    strayExtensions: 0,
  });
  const data = { trailing: 'data', strayExtensions: 0 };
  for (const zeros of [0, 9000, 300_000]) {
    const bytes = Buffer.concat([archive, Buffer.alloc(zeros), Buffer.from('x'), Buffer.alloc(zeros)]);
    expect(await endOf(bytes)).toEqual(data);
  }
});
