import type { TarEntry } from '#dimgx/tar/entry.js';
import { scanTar, TarStreamScan } from '#dimgx/tar/scan.js';

/** A header to write to an archive, valid or not. Defaults are those of an empty file. */
export interface RawHeader {
  readonly name?: string;
  /** One character. */
  readonly type?: string;
  readonly link?: string;
  /** Default: the length of the contents. */
  readonly size?: number;
  /** Written over the header, by offset, before the checksum is computed. */
  readonly patch?: Readonly<Record<number, string | Uint8Array>>;
  /** Default `ustar\0` and `00`. */
  readonly magic?: string;
  /** Default: the correct one. */
  readonly checksum?: string;
}

export const GNU = 'ustar  \0';

const BLOCK = 512;

/** One header block and its contents, padded. */
export function rawEntry(header: RawHeader, contents: string | Uint8Array = ''): Buffer {
  const body = typeof contents === 'string' ? Buffer.from(contents, 'latin1') : Buffer.from(contents);
  const block = Buffer.alloc(BLOCK);
  block.write(header.name ?? 'file', 0, 100, 'latin1');
  block.write('0000644\x000000000\x000000000\0', 100, 'latin1');
  block.write(`${(header.size ?? body.length).toString(8).padStart(11, '0')}\x0000000000000\0`, 124, 'latin1');
  block.write(header.type ?? '0', 156, 'latin1');
  block.write(header.link ?? '', 157, 100, 'latin1');
  block.write(header.magic ?? 'ustar\x0000', 257, 'latin1');
  for (const [offset, bytes] of Object.entries(header.patch ?? {})) {
    block.set(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, Number(offset));
  }
  block.write('        ', 148, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(header.checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([block, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]);
}

/** `key=value` as a PAX record. */
export function paxRecord(key: string, value: string): string {
  const rest = key.length + value.length + 3;
  let length = rest;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

export function paxHeader(records: Readonly<Record<string, string>> | readonly (readonly [string, string])[]): Buffer {
  const pairs = Array.isArray(records) ? records : Object.entries(records);
  return rawEntry({ name: 'PaxHeaders/x', type: 'x' }, pairs.map(([key, value]) => paxRecord(key, value)).join(''));
}

/** GNU's header of a long name (`L`) or link target (`K`). */
export function longHeader(type: 'L' | 'K', text: string): Buffer {
  return rawEntry({ name: '././@LongLink', type, magic: GNU }, `${text}\0`);
}

/** Appends two zero blocks. */
export function rawTar(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

/** An entry in a form that tests can compare. Text is latin1, so that every byte shows. */
export interface ReadEntry extends Omit<TarEntry, 'name' | 'link' | 'pax'> {
  readonly name: string;
  readonly link: string;
  readonly pax: readonly (readonly [string, string])[];
}

export function copyEntry(entry: TarEntry): ReadEntry {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
  const pax = entry.pax.map(({ key, value }) => [key, text(value)] as const);
  return { ...entry, name: text(entry.name), link: text(entry.link), pax };
}

/** Reads an archive in memory as if it were in a file. */
export async function readTar(archive: Uint8Array): Promise<readonly ReadEntry[]> {
  const entries: ReadEntry[] = [];
  const read = (into: Uint8Array, position: number) => into.set(archive.subarray(position, position + into.length));
  await scanTar(read, archive.length, (entry) => entries.push(copyEntry(entry)));
  return entries;
}

/** Reads an archive as if it arrived in pieces. */
export function readPieces(pieces: Iterable<Uint8Array>): readonly ReadEntry[] {
  const entries: ReadEntry[] = [];
  const scan = new TarStreamScan((entry) => entries.push(copyEntry(entry)));
  for (const piece of pieces) scan.push(piece);
  scan.finish();
  return entries;
}
