import { createHash } from 'node:crypto';
import { expandPaxSparse, expandSparse } from './sparse-map.js';
import type { Tree, TreeEntry, TreeField } from './tree.js';

type Draft = { -readonly [K in TreeField]: string };

const TYPES: Readonly<Record<string, string>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'hard link',
  '2': 'symlink',
  '3': 'character device',
  '4': 'block device',
  '5': 'directory',
  '6': 'fifo',
  S: 'file',
};

/** One entry as a plain reader of tar understands it; text is latin1. */
export interface ReadEntry {
  readonly name: string;
  readonly type: string;
  readonly link: string;
  readonly fields: TreeEntry;
}

/**
 * Reads the entries of a tar strictly by POSIX and GNU tar, without any code of this project. It is as strict as an
 * output deserves: wrong checksums, unknown types, names of owners, sizes on entries without contents, and anything but
 * one end mark at the end are errors.
 */
export function readTar(tar: Buffer): ReadEntry[] {
  const entries: ReadEntry[] = [];
  let pax = new Map<string, string>();
  let longName: string | undefined;
  let longLink: string | undefined;
  for (let at = 0; ; ) {
    const header = tar.subarray(at, at + 512);
    if (header.length < 512) throw new Error(`no end mark at ${at}`);
    if (header.every((byte) => byte === 0)) {
      if (tar.length !== at + 1024 || tar.subarray(at).some((byte) => byte !== 0))
        throw new Error(`a bad end at ${at}`);
      return entries;
    }
    checkSum(header, at);
    const type = header.toString('latin1', 156, 157);
    const isExtension = type === 'x' || type === 'L' || type === 'K';
    const size = pax.has('size') && !isExtension ? Number(pax.get('size')) : number(header, 124, 12);
    const content = tar.subarray(at + 512, at + 512 + size);
    if (content.length !== size) throw new Error(`contents end too early at ${at}`);
    at += 512 + Math.ceil(size / 512) * 512;
    if (type === 'x') pax = paxRecords(content);
    else if (type === 'L') longName = upToNul(content.toString('latin1'));
    else if (type === 'K') longLink = upToNul(content.toString('latin1'));
    else {
      const name = longName ?? pax.get('GNU.sparse.name') ?? pax.get('path') ?? headerName(header);
      const isNamed = header.toString('latin1', 257, 262) === 'ustar' && (header[265] !== 0 || header[297] !== 0);
      if (isNamed) throw new Error(`${name} has the name of an owner`);
      const link = longLink ?? pax.get('linkpath') ?? text(header, 157, 100);
      entries.push(readEntry(header, pax, name, link, type, content));
      pax = new Map();
      longName = undefined;
      longLink = undefined;
    }
  }
}

/**
 * The tree that results from unpacking a tar into an empty directory. It rejects anything that a careful extractor
 * might trip over: a duplicate name, and a parent or hard link target that does not exist yet; and names that are not in
 * the order of the output. Without an entry for the root there is no `.`.
 */
export function treeOfTar(tar: Buffer): Tree {
  const tree = new Map<string, Draft>();
  const names = new Map<Draft, string[]>();
  let last = '';
  for (const { name, type, link, fields } of readTar(tar)) {
    const path = plainPath(name);
    const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.';
    // No byte of a name is less than the slash then.
    const place = path === '.' ? '' : path.replaceAll('/', '\0');
    if (place < last) throw new Error(`${path} is out of order`);
    last = place;
    if (tree.has(path)) throw new Error(`${JSON.stringify(path)} stands twice`);
    if (parent !== '.' && tree.get(parent)?.type !== 'directory') throw new Error(`no directory for ${path}`);
    const target = type === '1' ? tree.get(plainPath(link)) : undefined;
    if (type === '1' && (target === undefined || target.type === 'directory')) {
      throw new Error(`${JSON.stringify(path)} is a hard link to what is not there, ${JSON.stringify(link)}`);
    }
    const draft = target ?? { ...fields };
    tree.set(path, draft);
    names.set(draft, [...(names.get(draft) ?? []), path]);
  }
  for (const [draft, paths] of names) if (paths.length > 1) draft.sameFileAs = paths.sort()[0] as string;
  return tree;
}

function plainPath(name: string): string {
  const path = name.replace(/^\.\//, '').replace(/\/$/, '');
  if (name.startsWith('/') || path.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    if (name !== './') throw new Error(`${JSON.stringify(name)} is not a plain name`);
  }
  return path === '' ? '.' : path;
}

function readEntry(
  header: Buffer,
  pax: ReadonlyMap<string, string>,
  name: string,
  link: string,
  type: string,
  content: Buffer,
): ReadEntry {
  const kind = TYPES[type];
  if (kind === undefined) throw new Error(`type ${JSON.stringify(type)}`);
  if (kind !== 'file' && content.length > 0) throw new Error(`a ${kind} with contents`);
  const numeric = (key: string, at: number, length: number) => String(pax.get(key) ?? number(header, at, length));
  const whole = kind === 'file' ? expanded(header, pax, content, type) : content;
  const fields = {
    type: kind,
    mode: type === '2' ? '0777' : (number(header, 100, 8) & 0o7777).toString(8).padStart(4, '0'),
    owner: `${numeric('uid', 108, 8)}:${numeric('gid', 116, 8)}`,
    size: kind === 'file' ? String(whole.length) : '',
    mtime: nanoseconds(numeric('mtime', 136, 12)),
    target: type === '2' ? link : '',
    device: type === '3' || type === '4' ? `${number(header, 329, 8)}:${number(header, 337, 8)}` : '',
    xattrs: xattrsOf(pax),
    sameFileAs: '',
    sha256: kind === 'file' ? createHash('sha256').update(whole).digest('hex') : '',
  };
  return { name, type, link, fields };
}

/** The contents with holes filled, if the file is sparse. In the old format, only maps that fit in the header work. */
function expanded(header: Buffer, pax: ReadonlyMap<string, string>, content: Buffer, type: string): Buffer {
  const stored = content.toString('latin1');
  if (type !== 'S') return Buffer.from(expandPaxSparse(pax, stored), 'latin1');
  const at = [386, 410, 434, 458].filter((pair) => header[pair] !== 0);
  const map = at.map((pair) => [number(header, pair, 12), number(header, pair + 12, 12)] as const);
  return Buffer.from(expandSparse(map, number(header, 483, 12), stored), 'latin1');
}

/** A sum of unsigned bytes, or of signed bytes as some old writers computed it. All readers accept both. */
function checkSum(header: Buffer, at: number): void {
  const claimed = number(header, 148, 8);
  const counted = Buffer.from(header).fill(0x20, 148, 156);
  const sum = counted.reduce((total, byte) => total + byte, 0);
  const signed = () => Int8Array.from(counted).reduce((total, byte) => total + byte, 0);
  if (claimed !== sum && claimed !== signed()) throw new Error(`a wrong checksum at ${at}`);
}

function headerName(header: Buffer): string {
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? text(header, 345, 155) : '';
  return prefix === '' ? text(header, 0, 100) : `${prefix}/${text(header, 0, 100)}`;
}

function text(header: Buffer, at: number, length: number): string {
  return upToNul(header.toString('latin1', at, at + length));
}

function upToNul(value: string): string {
  const end = value.indexOf('\0');
  return end < 0 ? value : value.slice(0, end);
}

function number(header: Buffer, at: number, length: number): number {
  const first = header[at] as number;
  if (first >= 0x80) {
    const value = BigInt(`0x${header.toString('hex', at, at + length)}`) & ~(1n << BigInt(8 * length - 1));
    return Number(BigInt.asIntN(8 * length - 1, value));
  }
  const digits = text(header, at, length).trim();
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function paxRecords(body: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const length = Number.parseInt(body.toString('latin1', at, at + 10), 10);
    const record = body.toString('latin1', at, at + length);
    const [, key = '', value = ''] = /^[0-9]+ ([^=]+)=(.*)\n$/s.exec(record) ?? [];
    if (key === '') throw new Error(`a bad PAX record: ${JSON.stringify(record)}`);
    // the pairs of a sparse map (0.0) follow one another under the same two keys
    const isPair = key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes';
    if (isPair) records.set('GNU.sparse.map', [records.get('GNU.sparse.map') ?? [], value].flat().join(','));
    else records.set(key, value);
    at += length;
  }
  return records;
}

/** In the format of `listTree`: `name=0xHEX`, sorted by name. */
function xattrsOf(pax: ReadonlyMap<string, string>): string {
  const prefix = 'SCHILY.xattr.';
  return [...pax]
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => `${key.slice(prefix.length)}=0x${Buffer.from(value, 'latin1').toString('hex')}`)
    .sort()
    .join(' ');
}

/** Decimal seconds as `SECONDS.NNNNNNNNN`, floored. */
function nanoseconds(decimal: string): string {
  const [, sign = '', whole = '0', fraction = ''] = /^(-?)([0-9]+)\.?([0-9]*)$/.exec(decimal) ?? [];
  const total = BigInt(`${sign}${whole}${fraction.slice(0, 9).padEnd(9, '0')}`);
  const rest = ((total % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return `${(total - rest) / 1_000_000_000n}.${String(rest).padStart(9, '0')}`;
}
