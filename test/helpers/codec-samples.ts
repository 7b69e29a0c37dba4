import { crc32 } from 'node:zlib';
import { noise } from './sample-image.js';

/** Test inputs for codecs: contents of every kind, and lengths around `piece`, where an encoder cuts. */
export function codecSamples(piece: number): [name: string, bytes: Buffer][] {
  return [
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from('x')],
    ['a few bytes', Buffer.from('hello, world\n')],
    ['zeros', Buffer.alloc(2 * piece + 17)],
    ['noise', noise(2 * piece + 17)],
    ['text, a byte less than a piece', text(piece - 1)],
    ['text of a piece', text(piece)],
    ['text, a byte more than a piece', text(piece + 1)],
    ['text of three pieces', text(3 * piece)],
  ];
}

/** Lines that are similar but all different: as compressible as most text. */
export function text(length: number): Buffer {
  const lines: string[] = [];
  for (let size = 0, i = 0; size < length; i++) {
    const line = `${i} of the lines has the checksum ${crc32(String(i)).toString(16)}\n`;
    lines.push(line);
    size += line.length;
  }
  return Buffer.from(lines.join('')).subarray(0, length);
}
