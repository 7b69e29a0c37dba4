import type { RawEntry } from '../helpers/raw-layer.js';
import { expandPaxSparse, expandSparse } from '../helpers/sparse-map.js';
import { Refusal } from './refusal.js';

/** One entry as all its headers together tell it. */
export interface Entry {
  readonly raw: RawEntry;
  /** From the root, cleaned; empty for the root. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hard link' | 'character device' | 'block device' | 'fifo';
  /** What it says of the older layers, if it is no part of the tree; `none` says nothing. */
  readonly marker: 'whiteout' | 'opaque' | 'none' | undefined;
  /** Of a whiteout: the name that it hides. */
  readonly hides: string;
  readonly mode: number;
  readonly owner: string;
  readonly mtime: string;
  /** Of a symlink as it stands, of a hard link a cleaned path. */
  readonly target: string;
  readonly device: string;
  readonly xattrs: string;
  readonly content: string;
}

/** The entries of a layer. @throws Refusal */
export function decodedLayer(layer: readonly RawEntry[]): Entry[] {
  return layer.filter(({ type }) => type !== 'g').map(decodedEntry); // 11: global headers count for nothing
}

function decodedEntry(raw: RawEntry): Entry {
  const name = nameOf(raw);
  const path = cleaned(name, () => {
    throw new Refusal('DIMGX_ENTRY_UNSAFE_NAME', 'above the root', raw); // 1.3
  });
  const link = (raw.longLink || undefined) ?? paxOf(raw, 'linkpath') ?? raw.link ?? '';
  const type = typeOf(raw, name);
  const target = type === 'symlink' ? link : type === 'hard link' ? cleaned(link, () => undefined) : ''; // 8.1
  if (Math.max(path.length, target.length) > 4095) throw new Refusal('DIMGX_ENTRY_UNSAFE_NAME', 'too long', raw); // 1.8
  const isDevice = type === 'character device' || type === 'block device';
  const device = isDevice ? (raw.device ?? [0, 0]).join(':') : '';
  const base = baseOf(path);
  return {
    raw,
    path,
    type,
    marker: markerOf(path, base, type === 'character device' && device === '0:0'),
    hides: base.startsWith('.wh.') ? base.slice('.wh.'.length) : base, // 4.9; 9: of a device its own name
    mode: type === 'symlink' ? 0o777 : (raw.mode ?? 0o644) & 0o7777, // 10
    owner: `${paxOf(raw, 'uid') ?? raw.uid ?? 0}:${paxOf(raw, 'gid') ?? raw.gid ?? 0}`,
    mtime: floored(paxOf(raw, 'mtime') ?? String(raw.mtime ?? 0)),
    target,
    device,
    xattrs: xattrsOf(raw, type),
    content: type === 'file' ? contentOf(raw) : '', // 8.6
  };
}

/** 4, 5, 6, and of 9 the device 0:0. */
function markerOf(path: string, base: string, isNullDevice: boolean): Entry['marker'] {
  if (!base.startsWith('.wh.')) return isNullDevice ? 'whiteout' : undefined;
  if (base === '.wh..wh..opq') return 'opaque';
  const isVoid = LEFTOVERS.includes(path) || ['.wh.', '.wh..', '.wh...'].includes(base); // 4.8
  return isVoid ? 'none' : 'whiteout';
}

/** 6: what AUFS left at the root of a layer. */
export const LEFTOVERS: readonly string[] = ['.wh..wh.aufs', '.wh..wh.plnk', '.wh..wh.orph'];

const TYPES: Readonly<Record<string, Entry['type']>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'hard link',
  '2': 'symlink',
  '3': 'character device',
  '4': 'block device',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
};

/** 1.5, 9 */
function typeOf(raw: RawEntry, name: string): Entry['type'] {
  const type = raw.type ?? '0';
  return type === '\0' && name.endsWith('/') ? 'directory' : (TYPES[type] as Entry['type']);
}

/** 11: GNU over PAX over the header, whose prefix counts in ustar alone. */
function nameOf(raw: RawEntry): string {
  const isUstar = raw.magic === undefined || raw.magic === 'ustar';
  const own = raw.prefix && isUstar ? `${raw.prefix}/${raw.name}` : raw.name;
  return (raw.longName || undefined) ?? paxOf(raw, 'GNU.sparse.name') ?? paxOf(raw, 'path') ?? own;
}

/** 11: of one key the last counts, and an empty value says that the header is right. */
function paxOf(raw: RawEntry, key: string): string | undefined {
  return raw.pax?.findLast((record) => record[0] === key)?.[1] || undefined;
}

/** 1.1, 1.2 */
function cleaned(name: string, onAboveRoot: () => void): string {
  const kept: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') kept.pop() ?? onAboveRoot();
    else if (part !== '' && part !== '.') kept.push(part);
  }
  return kept.join('/');
}

/** 10: down to the nanosecond, as `SECONDS.NNNNNNNNN`. */
function floored(decimal: string): string {
  const [, sign = '', whole = '0', fraction = ''] = /^(-?)([0-9]+)\.?([0-9]*)$/.exec(decimal) ?? [];
  const nanos = BigInt(sign + whole + fraction.slice(0, 9).padEnd(9, '0'));
  const part = ((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return `${(nanos - part) / 1_000_000_000n}.${String(part).padStart(9, '0')}`;
}

/** 10: as `listTree` tells them. What Linux does not let a type have, and what commands overlayfs, is left out. */
export function xattrsOf(raw: RawEntry, type: Entry['type']): string {
  const xattrs = new Map<string, string>();
  for (const [key, value] of raw.pax ?? []) {
    const [, name] = /^SCHILY\.xattr\.(.+)$/.exec(key) ?? [];
    if (name === undefined || name.startsWith('trusted.overlay.')) continue;
    if (name.startsWith('user.') && !['file', 'directory', 'hard link'].includes(type)) continue;
    if (name.startsWith('system.posix_acl_') && type === 'symlink') continue;
    xattrs.set(name, Buffer.from(value, 'latin1').toString('hex'));
  }
  return [...xattrs]
    .map(([name, hex]) => `${name}=0x${hex}`)
    .sort()
    .join(' ');
}

/** 11: sparse files are expanded. */
function contentOf(raw: RawEntry): string {
  const { content = '', pax = [], sparse } = raw;
  if (raw.type === 'S' && sparse) return expandSparse(sparse.map, sparse.size, content);
  const pairs = pax.filter(([key]) => /^GNU\.sparse\.(offset|numbytes)$/.test(key)).map(([, value]) => value);
  const map: typeof pax = pairs.length > 0 ? [['GNU.sparse.map', pairs.join(',')]] : [];
  return expandPaxSparse(new Map([...pax, ...map]), content);
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function joined(directory: string, base: string): string {
  return directory === '' ? base : `${directory}/${base}`;
}
