import { mkdirSync, writeFileSync } from 'node:fs';

/** One line of a tar-split document. */
export interface SplitLine {
  readonly type: 1 | 2;
  readonly name?: string;
  readonly name_raw?: string;
  readonly size?: number;
  readonly payload?: string | null;
  readonly position: number;
}

/** A layer as engines store it: what is not contents, and a file for each entry that has some. */
export interface SplitLayer {
  readonly lines: readonly SplitLine[];
  /** Contents, by name as in the headers: one character, one byte. */
  readonly files: ReadonlyMap<string, Buffer>;
}

const BLOCK = 512;
const EXTENSIONS = 'xgLK';
const WITH_CONTENTS = '0\x007S';

/**
 * Splits a layer as Docker and Podman do when they store it. Sparse files are not expanded: `expand` says what their
 * contents are.
 *
 * @param expand contents of an entry, from its name and its stored bytes
 */
export function splitLayer(layer: Buffer, expand = (_name: string, stored: Buffer) => stored): SplitLayer {
  const lines: SplitLine[] = [];
  const files = new Map<string, Buffer>();
  const segment = (bytes: Buffer) => add({ type: 2, payload: bytes.toString('base64') });
  const add = (line: Omit<SplitLine, 'position'>) => void lines.push({ ...line, position: lines.length });
  let done = 0;
  let long: string | undefined;
  let pax = new Map<string, string>();
  for (let at = 0; at < layer.length && layer[at] !== 0; ) {
    const type = latin1(layer, at + 156, 1);
    const stored = numberAt(layer, at + 124);
    const body = at + BLOCK;
    if (EXTENSIONS.includes(type)) {
      const text = latin1(layer, body, stored);
      if (type === 'L') long = text.replace(/\0.*$/s, '');
      if (type === 'x') pax = paxRecords(text);
      at = body + padded(stored);
      if (type !== 'g') continue;
      segment(layer.subarray(done, at));
      add({ type: 1, name: 'pax_global_header', payload: null });
      done = at;
      continue;
    }
    const name = pax.get('GNU.sparse.name') ?? long ?? pax.get('path') ?? nameAt(layer, at);
    const counted = Number(pax.get('size') || stored);
    const size = WITH_CONTENTS.includes(type) ? counted : 0;
    const start = body + (type === 'S' && layer[at + 482] === 1 ? BLOCK : 0);
    segment(layer.subarray(done, start));
    const contents = size > 0 ? expand(name, layer.subarray(start, start + size)) : Buffer.alloc(0);
    // Engines record the size of the header even where an entry has no contents.
    const claimed = WITH_CONTENTS.includes(type) ? contents.length : counted;
    if (size > 0) files.set(name, contents);
    add({
      type: 1,
      ...named(name),
      ...(claimed > 0 && { size: claimed }),
      payload: claimed > 0 ? crc64(contents) : null,
    });
    done = start + size;
    at = start + padded(size);
    long = undefined;
    pax = new Map();
  }
  for (let from = done; from < layer.length; from += 2 ** 20)
    segment(layer.subarray(from, Math.min(layer.length, from + 2 ** 20)));
  return { lines, files };
}

/** The document, before it is compressed. */
export function splitText(lines: readonly unknown[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** Writes the files below a folder. */
export function writeSplitFiles(folder: string, files: SplitLayer['files']): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, contents] of files) {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    const path = Buffer.from(`${Buffer.from(folder).toString('latin1')}/${parts.join('/')}`, 'latin1');
    mkdirSync(path.subarray(0, path.lastIndexOf('/')), { recursive: true });
    writeFileSync(path, contents);
  }
}

function named(name: string): Pick<SplitLine, 'name' | 'name_raw'> {
  const bytes = Buffer.from(name, 'latin1');
  const isText = Buffer.from(bytes.toString()).equals(bytes);
  return isText ? { name: bytes.toString() } : { name_raw: bytes.toString('base64') };
}

function nameAt(layer: Buffer, at: number): string {
  const field = (from: number, length: number) => latin1(layer, from, length).replace(/\0.*$/s, '');
  const isPosix = latin1(layer, at + 257, 8) === 'ustar\x0000';
  const prefix = isPosix ? field(at + 345, 155) : '';
  return `${prefix === '' ? '' : `${prefix}/`}${field(at, 100)}`;
}

function paxRecords(text: string): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < text.length; ) {
    const length = Number(/^\d+/.exec(text.slice(at, at + 20))?.[0]);
    const record = text.slice(at, at + length - 1);
    const [, key = '', value = ''] = /^\d+ ([^=]*)=(.*)$/s.exec(record) ?? [];
    if (value === '') records.delete(key);
    else records.set(key, value);
    at += length;
  }
  return records;
}

function numberAt(layer: Buffer, at: number): number {
  if (layer[at] === 0x80) return Number(layer.readBigUInt64BE(at + 4));
  return Number.parseInt(latin1(layer, at, 12).replace(/[\0 ]/g, '') || '0', 8);
}

function latin1(layer: Buffer, at: number, length: number): string {
  return layer.toString('latin1', at, at + length);
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** CRC-64/ISO of bytes, in base64. */
export function crc64(bytes: Uint8Array): string {
  let sum = ONES;
  for (const byte of bytes) sum = (sum >> 8n) ^ (REMAINDERS[Number(sum & 0xffn) ^ byte] as bigint);
  const result = Buffer.alloc(8);
  result.writeBigUInt64BE(sum ^ ONES);
  return result.toString('base64');
}

const ONES = 0xffff_ffff_ffff_ffffn;

const REMAINDERS = Array.from({ length: 256 }, (_, byte) => {
  let remainder = BigInt(byte);
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 1n ? (remainder >> 1n) ^ 0xd800_0000_0000_0000n : remainder >> 1n;
  }
  return remainder;
});
