import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';

const PIECE = 2 ** 22;
const WINDOW = 2 ** 15;
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
const deflate = promisify(deflateRaw);

/**
 * Compresses a file to one gzip member of zlib's own level, on all processors: pieces end at a flush, each knows the end
 * of the piece before.
 *
 * @param {string} from @param {string} to
 * @returns {Promise<import('./tar-writer.mjs').Blob>}
 */
export async function gzipFile(from, to) {
  const source = await open(from, 'r');
  const target = await open(to, 'wx');
  const hash = createHash('sha256');
  const { size } = await source.stat();
  let checksum = 0;
  let written = 0;
  /** @type {Promise<Buffer>[]} */
  const ahead = [];
  /** @param {Uint8Array} bytes */
  const put = async (bytes) => {
    hash.update(bytes);
    written += (await target.write(bytes)).bytesWritten;
  };
  await put(HEADER);
  for (let at = 0, window = Buffer.alloc(0); at < size; at += PIECE) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE, size - at));
    await source.read(piece, 0, piece.length, at);
    checksum = crc32(piece, checksum);
    const finishFlush = at + PIECE < size ? constants.Z_SYNC_FLUSH : constants.Z_FINISH;
    ahead.push(deflate(piece, { finishFlush, ...(window.length > 0 && { dictionary: window }) }));
    window = piece.subarray(-WINDOW);
    if (ahead.length > availableParallelism()) await put((await ahead.shift()) ?? Buffer.alloc(0));
  }
  for (const piece of ahead) await put(await piece);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  await put(trailer);
  await Promise.all([source.close(), target.close()]);
  return { path: to, digest: `sha256:${hash.digest('hex')}`, size: written };
}
