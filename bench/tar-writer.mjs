import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

const BLOCK = 512;
const MTIME = (Date.UTC(2001, 1, 3, 4, 5, 6) / 1000).toString(8).padStart(11, '0');
const MODES = { directory: '0000755', symlink: '0000777', file: '0000644', link: '0000644', pax: '0000644' };
const FLAGS = { directory: '5', symlink: '2', file: '0', link: '1', pax: 'x' };

/** @typedef {{ path: string, digest: string, size: number }} Blob */

/** Writes plain tar archives, a million entries in a few seconds: the bytes of the format and nothing between. */
export class TarWriter {
  #path;
  #file;
  #hash = createHash('sha256');
  #buffer = Buffer.alloc(2 ** 20);
  #used = 0;
  #size = 0;

  /** @param {string} path of a file to be made */
  constructor(path) {
    this.#path = path;
    this.#file = openSync(path, 'wx');
  }

  /**
   * @param {string} name ASCII; over 100 bytes it goes to a PAX record
   * @param {'directory' | 'symlink' | 'file' | 'link'} type
   * @param {Uint8Array | undefined} [bytes] of a file
   * @param {string} [target] of a link, of up to 100 bytes
   */
  add(name, type, bytes, target = '') {
    if (name.length > 100) {
      const record = paxRecord('path', name);
      this.#header('pax', 'pax', record.length, '');
      this.#put(record);
      this.#pad(record.length);
    }
    this.#header(name.slice(0, 100), type, bytes?.length ?? 0, target);
    if (bytes) this.#put(bytes);
    this.#pad(bytes?.length ?? 0);
  }

  /** @param {string} name @param {Blob} blob the file whose bytes are copied in @returns {number} where they begin */
  addFile(name, { path, size }) {
    this.#header(name, 'file', size, '');
    const start = this.#size + this.#used;
    const source = openSync(path, 'r');
    const piece = Buffer.allocUnsafe(2 ** 20);
    for (let read = readSync(source, piece); read > 0; read = readSync(source, piece))
      this.#put(piece.subarray(0, read));
    closeSync(source);
    this.#pad(size);
    return start;
  }

  /** @returns {Blob} */
  end() {
    this.#put(Buffer.alloc(2 * BLOCK));
    this.#flush();
    closeSync(this.#file);
    return { path: this.#path, digest: `sha256:${this.#hash.digest('hex')}`, size: this.#size };
  }

  /** @param {string} name @param {keyof typeof FLAGS} type @param {number} size @param {string} target */
  #header(name, type, size, target) {
    if (this.#used + BLOCK > this.#buffer.length) this.#flush();
    const block = this.#buffer.subarray(this.#used, this.#used + BLOCK).fill(0);
    this.#used += BLOCK;
    writeHeader(block, name, type, size, target);
  }

  /** @param {number} size of what was put */
  #pad(size) {
    this.#put(ZEROS.subarray(0, -size & (BLOCK - 1)));
  }

  /** @param {Uint8Array} bytes */
  #put(bytes) {
    for (let at = 0; at < bytes.length; ) {
      if (this.#used === this.#buffer.length) this.#flush();
      const piece = bytes.subarray(at, at + this.#buffer.length - this.#used);
      this.#buffer.set(piece, this.#used);
      this.#used += piece.length;
      at += piece.length;
    }
  }

  #flush() {
    const bytes = this.#buffer.subarray(0, this.#used);
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    this.#size += this.#used;
    this.#used = 0;
  }
}

const ZEROS = Buffer.alloc(BLOCK);

/** @param {Buffer} block of zeros @param {string} name @param {keyof typeof FLAGS} type @param {number} size @param {string} target */
export function writeHeader(block, name, type, size, target) {
  block.write(name, 0, 'latin1');
  block.write(MODES[type], 100, 'latin1');
  block.write('0000000\x000000000', 108, 'latin1');
  block.write(size.toString(8).padStart(11, '0'), 124, 'latin1');
  block.write(`${MTIME}\0        ${FLAGS[type]}${target}`, 136, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  let sum = 0;
  for (let at = 0; at < BLOCK; at++) sum += block[at] ?? 0;
  block.write(`${sum.toString(8).padStart(6, '0')}\0`, 148, 'latin1');
}

/** Its length counts its own digits. @param {string} key @param {string} value */
function paxRecord(key, value) {
  const rest = ` ${key}=${value}\n`;
  const guess = rest.length + String(rest.length).length;
  const length = rest.length + String(guess).length;
  return Buffer.from(`${length}${rest}`, 'latin1');
}
