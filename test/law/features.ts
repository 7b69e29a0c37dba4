import type { RawEntry } from '../helpers/raw-layer.js';
import { baseOf, decodedLayer, type Entry, joined, parentOf } from './decoded-entry.js';
import { directoryOf, placeOf } from './own-symlinks.js';
import type { Stack } from './random-stack.js';

/** A layer, what stands below it, and one entry of it. */
interface Sight {
  readonly entry: Entry;
  readonly raw: RawEntry;
  readonly layer: readonly Entry[];
  /** Places of older layers, whatever became of them, the newest of each. */
  readonly older: ReadonlyMap<string, Entry>;
}

const has = (raw: RawEntry, key: RegExp, value = /(?:)/) =>
  raw.pax?.some((record) => key.test(record[0]) && value.test(record[1])) ?? false;

const linkTo = ({ entry, layer, older }: Sight, is: (target: Entry) => boolean) => {
  if (entry.type !== 'hard link' || entry.marker) return false;
  const target = layer.find(({ path, marker }) => path === entry.target && !marker) ?? older.get(entry.target);
  return target !== undefined && is(target);
};

const hides = ({ entry, layer, older }: Sight, is: (hidden: Entry | undefined) => boolean) =>
  entry.marker === 'whiteout' && is(older.get(joined(directoryOf(layer, entry), entry.hides)));

const changes = ({ entry, layer, older }: Sight, from: Entry['type'], to: Entry['type']) =>
  !entry.marker && entry.type === to && older.get(placeOf(layer, entry))?.type === from;

/** How to tell of an entry what is special about it. */
const OF_ENTRIES: Readonly<Record<string, (sight: Sight) => boolean>> = {
  'a file': ({ entry }) => entry.type === 'file',
  'a directory': ({ entry }) => entry.type === 'directory',
  'a symlink': ({ entry }) => entry.type === 'symlink',
  'a fifo': ({ entry }) => entry.type === 'fifo' && !entry.marker,
  'a device': ({ entry }) => entry.type === 'character device' && !entry.marker,
  'a block device': ({ entry }) => entry.type === 'block device',
  'a device 0:0': ({ entry }) => entry.type === 'character device' && entry.marker === 'whiteout',
  'a hard link to a file': (sight) => linkTo(sight, ({ type }) => type === 'file'),
  'a chain of hard links': (sight) => linkTo(sight, ({ type }) => type === 'hard link'),
  'a hard link to a symlink': (sight) => linkTo(sight, ({ type }) => type === 'symlink'),
  'a hard link to a fifo or device': (sight) => linkTo(sight, ({ type }) => /fifo|device/.test(type)),
  'a whiteout of a file': (sight) => hides(sight, (hidden) => hidden?.type === 'file'),
  'a whiteout of a directory': (sight) => hides(sight, (hidden) => hidden?.type === 'directory'),
  'a whiteout of a symlink': (sight) => hides(sight, (hidden) => hidden?.type === 'symlink'),
  'a whiteout of a hard link': (sight) => hides(sight, (hidden) => hidden?.type === 'hard link'),
  'a whiteout of nothing': (sight) => hides(sight, (hidden) => hidden === undefined),
  'a whiteout that is no file': ({ entry }) => entry.marker === 'whiteout' && entry.type !== 'file',
  'a whiteout under a whited-out parent': ({ entry, layer }) =>
    entry.marker === 'whiteout' &&
    layer.some(
      ({ marker, path, hides }) => marker === 'whiteout' && joined(parentOf(path), hides) === parentOf(entry.path),
    ),
  'a whiteout of what its layer brings': ({ entry, layer }) =>
    entry.marker === 'whiteout' && layer.some(({ path }) => path === joined(parentOf(entry.path), entry.hides)),
  'a whiteout that names nothing': ({ entry }) => entry.marker === 'none' && !entry.path.startsWith('.wh..wh.'),
  'an opaque marker first': ({ entry, layer }) => entry.marker === 'opaque' && layer[0] === entry,
  'an opaque marker last': ({ entry, layer }) => entry.marker === 'opaque' && layer.at(-1) === entry,
  'an opaque marker between': ({ entry, layer }) =>
    entry.marker === 'opaque' && layer[0] !== entry && layer.at(-1) !== entry,
  'an opaque root': ({ entry }) => entry.path === '.wh..wh..opq',
  'a file that becomes a directory': (sight) => changes(sight, 'file', 'directory'),
  'a directory that becomes a file': (sight) => changes(sight, 'directory', 'file'),
  'a symlink that becomes a file': (sight) => changes(sight, 'symlink', 'file'),
  'a symlink that becomes a directory': (sight) => changes(sight, 'symlink', 'directory'),
  'a file that becomes a symlink': (sight) => changes(sight, 'file', 'symlink'),
  'a duplicate': ({ entry, layer }) => layer.some((other) => other !== entry && other.path === entry.path),
  'an implied parent': ({ entry, layer, older }) => {
    const parent = parentOf(entry.path);
    return parent !== '' && !older.has(parent) && layer.every(({ path }) => path !== parent);
  },
  'a child before its directory': ({ entry, layer }) =>
    layer.slice(layer.indexOf(entry)).some(({ path, type }) => type === 'directory' && path === parentOf(entry.path)),
  'a parent that is a symlink of its layer': ({ entry, layer }) => directoryOf(layer, entry) !== parentOf(entry.path),
  'a parent that is a symlink of an older layer': ({ entry, older }) =>
    older.get(parentOf(entry.path))?.type === 'symlink',
  'a parent that is a file of an older layer': ({ entry, older }) => older.get(parentOf(entry.path))?.type === 'file',
  'an entry for the root': ({ entry }) => entry.path === '',
  'a leftover of AUFS': ({ entry }) => entry.path.startsWith('.wh..wh.'),
  'a name with `./`': ({ raw }) => raw.name.startsWith('./'),
  'a name with `/` in front': ({ raw }) => raw.name.startsWith('/'),
  'a name with `..` in it': ({ raw }) => raw.name.split('/').includes('..'),
  'a name with a slash at its end': ({ raw }) => raw.name.endsWith('/'),
  'a name with a newline': ({ entry }) => entry.path.includes('\n'),
  'a name that is not UTF-8': ({ entry }) => entry.path.includes('\xff'),
  'a name of exactly 100 bytes': ({ raw }) => raw.name.length === 100,
  'a path over 100 bytes': ({ entry }) => entry.path.length > 100,
  'a path over 255 bytes': ({ entry }) => entry.path.length > 255,
  'a path of many components': ({ entry }) => entry.path.split('/').length > 5,
  'a component of 255 bytes': ({ entry }) => baseOf(entry.path).length === 255,
  'a PAX name': ({ raw }) => has(raw, /^path$/, /./),
  'an empty PAX name': ({ raw }) => has(raw, /^path$/, /^$/),
  'a GNU long name': ({ raw }) => raw.longName !== undefined || (raw.name.length > 100 && !has(raw, /^path$/)),
  'a PAX and a GNU name': ({ raw }) => raw.longName !== undefined && has(raw, /^path$/),
  'a long link target': ({ raw }) => (raw.link?.length ?? 0) > 100,
  'a prefix': ({ raw }) => raw.prefix !== undefined && raw.magic !== 'gnu',
  'times in a GNU header': ({ raw }) => raw.prefix !== undefined && raw.magic === 'gnu',
  'a header without magic': ({ raw }) => raw.magic === 'v7',
  'an xattr': ({ entry }) => entry.xattrs !== '',
  'a capability': ({ entry }) => entry.xattrs.includes('security.capability'),
  'an ACL': ({ entry }) => entry.xattrs.includes('system.posix_acl_access'),
  'an xattr of binary value': ({ raw }) => has(raw, /^SCHILY\.xattr/, /[\0\n\xff]/),
  'an xattr without a value': ({ raw }) => has(raw, /^SCHILY\.xattr/, /^$/),
  'an xattr of overlayfs': ({ raw }) => has(raw, /^SCHILY\.xattr\.trusted\.overlay\./),
  'a record that engines ignore': ({ raw }) => has(raw, /^(LIBARCHIVE|SCHILY\.acl|SCHILY\.dev|VENDOR)/),
  'a negative time': ({ entry }) => entry.mtime.startsWith('-'),
  'a time over eleven octal digits': ({ raw }) => (raw.mtime ?? 0) >= 8 ** 11,
  'a time past 2446': ({ entry }) => Number(entry.mtime) > 2 ** 34,
  'a fraction of a second': ({ entry }) => !entry.mtime.endsWith('.000000000'),
  'an owner in base 256': ({ raw }) => (raw.uid ?? 0) >= 8 ** 7,
  'an owner in PAX': ({ raw }) => has(raw, /^uid$/),
  'a mode with more than permissions': ({ raw }) => (raw.mode ?? 0) > 0o777,
  'a PAX size': ({ raw }) => has(raw, /^size$/),
  'a size without contents': ({ raw }) => (raw.size ?? 0) > 0,
  'a contiguous file': ({ raw }) => raw.type === '7',
  'an old-style file': ({ raw, entry }) => raw.type === '\0' && entry.type === 'file',
  'an old-style directory': ({ raw, entry }) => raw.type === '\0' && entry.type === 'directory',
  'an old sparse file': ({ raw }) => raw.type === 'S',
  'a sparse file, PAX 0.0': ({ raw }) => has(raw, /^GNU\.sparse\.offset$/),
  'a sparse file, PAX 0.1': ({ raw }) => has(raw, /^GNU\.sparse\.map$/),
  'a sparse file, PAX 1.0': ({ raw }) => has(raw, /^GNU\.sparse\.major$/),
};

/** What random stacks are to hold. */
export const FEATURES: readonly string[] = ['a global header', ...Object.keys(OF_ENTRIES)];

/** Which features a stack holds. */
export function featuresOf(stack: Stack): ReadonlySet<string> {
  const found = new Set<string>();
  const older = new Map<string, Entry>();
  for (const raws of stack) {
    if (raws.some(({ type }) => type === 'g')) found.add('a global header');
    const layer = decodedLayer(raws);
    for (const entry of layer) {
      const sight: Sight = { entry, raw: entry.raw, layer, older };
      for (const [feature, isThere] of Object.entries(OF_ENTRIES)) if (isThere(sight)) found.add(feature);
    }
    for (const entry of layer) if (!entry.marker) older.set(placeOf(layer, entry), entry);
  }
  return found;
}
