import { BLOCK, FIELD, setChecksum, TYPE } from './header.js';
import { writeNumber } from './number.js';
import { encodePax } from './pax.js';

/** Everything that the headers of a new entry say. */
export interface NewEntry {
  /** Of a directory: with a slash at its end. */
  readonly name: Uint8Array;
  /** One of `TYPE`. */
  readonly type: number;
  /** The low 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** In bytes; 0 unless it is a file. */
  readonly size: number;
  /** In nanoseconds since 1970. */
  readonly mtime: bigint;
  readonly link?: Uint8Array;
  readonly deviceMajor?: number;
  readonly deviceMinor?: number;
  readonly xattrs?: Iterable<readonly [name: string, value: Uint8Array]>;
}

const SECOND = 1_000_000_000n;
const MAGIC = Buffer.from('ustar\x0000', 'latin1');
/** Name of the header with PAX records. */
const PAX_NAME = Buffer.from('././@PaxHeader');

/**
 * Encodes the headers of an entry: one of POSIX, with PAX records for what it cannot hold. Source: POSIX.1-2017, pax.
 */
export function encodeHeaders(entry: NewEntry): Buffer {
  const { name, link, size, uid, gid, mtime, xattrs = [] } = entry;
  const records: Buffer[] = [];
  const add = (key: string, value: Uint8Array | string) =>
    records.push(encodePax(key, typeof value === 'string' ? Buffer.from(value) : value));
  if (name.length > FIELD.name.length) add('path', name);
  if (link && link.length > FIELD.link.length) add('linkpath', link);
  if (size >= 8 ** 11) add('size', String(size));
  if (uid >= 8 ** 7) add('uid', String(uid));
  if (gid >= 8 ** 7) add('gid', String(gid));
  if (mtime < 0n || mtime % SECOND !== 0n || mtime / SECOND >= 8n ** 11n) add('mtime', decimalTime(mtime));
  for (const [key, value] of xattrs) add(`SCHILY.xattr.${key}`, value);
  const header = encodeHeader(entry);
  if (records.length === 0) return header;
  const body = Buffer.concat(records);
  const pax = { name: PAX_NAME, type: TYPE.pax, mode: 0o644, uid: 0, gid: 0, size: body.length, mtime: 0n };
  return Buffer.concat([encodeHeader(pax), body, Buffer.alloc(-body.length & (BLOCK - 1)), header]);
}

/** One block. What does not fit is cut, or 0: a record says it. */
function encodeHeader(entry: NewEntry): Buffer {
  const block = Buffer.alloc(BLOCK);
  const text = ({ offset, length }: { offset: number; length: number }, bytes: Uint8Array) =>
    block.set(bytes.subarray(0, length), offset);
  const number = ({ offset, length }: { offset: number; length: number }, value: number) =>
    writeNumber(block, offset, length, value >= 0 && value < 8 ** (length - 1) ? value : 0);
  text(FIELD.name, entry.name);
  number(FIELD.mode, entry.mode);
  number(FIELD.uid, entry.uid);
  number(FIELD.gid, entry.gid);
  number(FIELD.size, entry.size);
  number(FIELD.mtime, entry.mtime < 0n ? 0 : Number(entry.mtime / SECOND));
  block[FIELD.type.offset] = entry.type;
  if (entry.link) text(FIELD.link, entry.link);
  block.set(MAGIC, FIELD.magic.offset);
  number(FIELD.deviceMajor, entry.deviceMajor ?? 0);
  number(FIELD.deviceMinor, entry.deviceMinor ?? 0);
  setChecksum(block, 0);
  return block;
}

function decimalTime(mtime: bigint): string {
  const size = mtime < 0n ? -mtime : mtime;
  const nanos = String(size % SECOND)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${mtime < 0n ? '-' : ''}${size / SECOND}${nanos && `.${nanos}`}`;
}
