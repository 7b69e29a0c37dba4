import { constants, gunzipSync, gzipSync } from 'node:zlib';
import type { ReadAt } from '#dimgx/base/io/region.js';
import { DimgxError } from '#dimgx/errors.js';
import { Budget } from '#dimgx/inspect/budget.js';
import { decodeLayer, indexPlainLayer } from '#dimgx/inspect/index-layer.js';
import { mutatedBytes } from '../mutations/bytes.js';
import { mutatedTar } from '../mutations/tar.js';
import type { Random } from '../random.js';
import { readFrom } from '../read-from.js';
import { fullTar, smallTars } from '../seeds/tars.js';
import { must, type Target } from '../target.js';

/** What is stored, and, as long as nothing of that has been changed, what it was made of. */
interface GzipInput {
  readonly stored: Buffer;
  readonly plain?: Buffer;
}

const LIMITS = { maxSize: 2 ** 20, maxEntries: 1000 };
/** Of one piece of decoded bytes. */
const PIECE = 256 * 1024;

/** Compressed layers: damaged, or whole with damaged contents. They come to what the same bytes come
 * to uncompressed, which is looked at now and then, as it takes as long again. */
export const gzip: Target<GzipInput> = {
  name: 'gzip',
  share: 100,
  batch: 100,
  seeds,
  mutate: mutatedGzip,
  async run({ stored }, random) {
    const isCompared = random(8) === 0;
    const spool: Buffer[] = [];
    let written = 0;
    const whole = <T>(work: () => T): T => work();
    const write = (_: number, bytes: Uint8Array, position: number) => {
      must(position === written, 'the spool is not written in order');
      must(written + bytes.length <= LIMITS.maxSize + PIECE, 'more is written than the limit allows');
      written += bytes.length;
      if (isCompared) spool.push(Buffer.from(bytes));
    };
    const io = { read: readFrom(stored), paced: (read: ReadAt) => read, write, whole };
    const blob = { file: -1, offset: 0, length: stored.length };
    const request = {
      blob,
      compression: 'gzip',
      spool: { fd: -1, offset: 0, room: Number.POSITIVE_INFINITY },
    } as const;
    const { contents, isSpooled } = await decodeLayer(request, {}, io, new Budget(LIMITS), () => {}).catch((error) => {
      if (isCompared && error instanceof DimgxError && error.code === 'DIMGX_COMPRESSION_CORRUPT')
        mustBeDamaged(stored);
      throw error;
    });
    if (!isCompared) return;
    const plain = Buffer.concat(spool);
    const { length } = contents;
    must(isSpooled && plain.equals(gunzipSync(stored)) && length === plain.length, 'the spool holds something else');
    const again = { ...io, read: readFrom(plain) };
    const index = await indexPlainLayer({ ...blob, length }, again, new Budget(LIMITS));
    must(
      index.columns.length === contents.columns.length,
      'the entries are others than in the same layer uncompressed',
    );
  },
};

/** Of what is whole, mostly the contents are changed. */
export function mutatedGzip({ stored, plain }: GzipInput, random: Random): GzipInput {
  if (plain === undefined || random(3) === 0) return { stored: mutatedBytes(stored, random) };
  const mutated = mutatedTar(plain, random);
  return { stored: gzipSync(mutated, { level: 1, memLevel: 4, windowBits: 12 }), plain: mutated };
}

function mustBeDamaged(stored: Buffer): void {
  try {
    gunzipSync(stored, { maxOutputLength: 2 * LIMITS.maxSize });
  } catch {
    return;
  }
  must(false, 'what zlib reads at once is called damaged');
}

function seeds(): readonly GzipInput[] {
  const options = [
    { level: 0 },
    { level: 1 },
    { level: 9 },
    { strategy: constants.Z_HUFFMAN_ONLY },
    { strategy: constants.Z_RLE },
    { strategy: constants.Z_FIXED },
  ];
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = smallTars();
  const whole = options.map((option) => ({ stored: gzipSync(fullTar(), option), plain: fullTar() }));
  const members = Buffer.concat([gzipSync(first.subarray(0, 700)), gzipSync(first.subarray(700)), gzipSync('')]);
  return [...whole, { stored: gzipSync(second), plain: second }, { stored: members }, { stored: withFields(first) }];
}

/** With all optional fields of the header. Source: RFC 1952. */
function withFields(plain: Buffer): Buffer {
  const stored = gzipSync(plain);
  const [FEXTRA, FNAME, FCOMMENT] = [4, 8, 16];
  const head = Buffer.from(stored.subarray(0, 10));
  head[3] = FEXTRA | FNAME | FCOMMENT;
  return Buffer.concat([head, Buffer.from('\x04\0abcdname\0comment\0', 'latin1'), stored.subarray(10)]);
}
