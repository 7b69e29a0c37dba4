import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';
import type { EncoderSettings } from './codec.js';
import { PiecewiseEncoder } from './piecewise-encoder.js';

const deflate = promisify(deflateRaw);

/** Larger pieces are not smaller when compressed, nor are they done sooner. */
const PIECE = 512 * 1024;
const WINDOW = 32 * 1024;
/** Blocks of half the symbols that zlib puts into one: their codes fit them better, by 0.2 %. */
const MEMORY_LEVEL = 7;

/** No name, no time; made by a system unknown. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** A block that is the last one and holds nothing. */
const LAST_BLOCK = [0x03, 0x00];

/**
 * Writes one gzip member, as any gunzip reads it. Pieces are deflated in Node's thread pool: each knows the end of the one
 * before it, and ends at the border of a byte. The pool has four threads, unless UV_THREADPOOL_SIZE says otherwise when Node
 * starts: further ones gain nothing.
 */
export function gzipEncoder({ level, threads }: EncoderSettings): Duplex {
  let sum = 0;
  let size = 0;
  const settings = { level, memLevel: MEMORY_LEVEL, chunkSize: PIECE, finishFlush: constants.Z_SYNC_FLUSH };
  const format = {
    pieceSize: PIECE,
    historySize: WINDOW,
    head: HEADER,
    compress: (piece: Buffer, history: Buffer) => {
      sum = crc32(piece, sum);
      size += piece.length;
      return deflate(piece, history.length === 0 ? settings : { ...settings, dictionary: history });
    },
    tail: () => {
      const tail = Buffer.from([...LAST_BLOCK, 0, 0, 0, 0, 0, 0, 0, 0]);
      tail.writeUInt32LE(sum, 2);
      tail.writeUInt32LE(size % 2 ** 32, 6);
      return tail;
    },
  };
  return new PiecewiseEncoder(format, threads);
}
