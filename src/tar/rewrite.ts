import { decodeEntry } from './decode.js';
import { emptyEntry, type Metadata, QUIRK, type TarEntry } from './entry.js';
import { BLOCK, dialectOf, FIELD, padded, prefixField, setChecksum, TYPE } from './header.js';
import { writeNumber } from './number.js';
import { clearOwnerNames, hasOwnerNames } from './owner-names.js';
import { encodePax, isSigned, type PaxRecord } from './pax.js';
import { escaped, isEscaped, isPortable, isWindowsRecord, isXattr } from './portable-record.js';
import { type SparseLayout, sparseRecords } from './sparse-layout.js';

const EMPTY = new Uint8Array(0);
const LONG_LINK_NAME = Buffer.from('././@LongLink');
const PAX_NAME = Buffer.from('PaxHeader');
const ROOT = Buffer.from('./');

/**
 * Changes to make to a header. Fields that are absent stay as they are, except for oddities that prevent a raw copy.
 */
export interface Rewrite {
  /** Relative to the root, optionally with a leading `./`, without a trailing slash; empty for the root. */
  readonly path: Uint8Array;
  /** Turns the entry, whatever its type, into a hard link to this path. Its inode's xattrs are with the contents. */
  readonly link?: Uint8Array;
  readonly metadata?: Metadata;
  /** Added to the entry's own xattrs; replaces those of the same name. */
  readonly xattrs?: readonly PaxRecord[];
  /** Keep records that only Windows images use. Default false. */
  readonly forWindows?: boolean;
  /** New layout of a sparse file's contents. */
  readonly sparse?: SparseLayout;
}

/**
 * Rewrites an entry's header so that GNU tar, bsdtar and Go's reader interpret it alike: no size on types without
 * contents, no names of owners, long names in GNU form (which, unlike PAX, implies no character set). PAX records are
 * kept byte for byte, except names and records that `isPortable` rejects.
 *
 * @param raw all header blocks of the entry, up to its contents
 */
export function rewriteHeader(raw: Uint8Array, rewrite: Rewrite): Buffer {
  const entry = emptyEntry();
  decodeEntry(raw, 0, 0, entry);
  const header = Buffer.from(raw.subarray(entry.headerOffset, entry.headerOffset + BLOCK));
  const type = rewrite.link ? TYPE.hardLink : entry.type;
  const name = writtenName(rewrite.path, type);
  const link = rewrite.link ?? entry.link;
  const isOldSparse = type === TYPE.file && (entry.quirks & QUIRK.oldSparse) !== 0;
  const records = keptRecords(entry, type, rewrite);
  clearPrefix(header, entry);
  if ((entry.quirks & QUIRK.oldSparse) !== 0 && !isOldSparse) clearSparseMap(header);
  setText(header, FIELD.name, name);
  setText(header, FIELD.link, link);
  header[FIELD.type.offset] = isOldSparse ? TYPE.gnuSparse : type;
  if (type !== TYPE.file) writeNumber(header, FIELD.size.offset, FIELD.size.length, 0);
  if ((entry.quirks & QUIRK.number) !== 0) setNumbers(header, entry);
  if (rewrite.sparse) setSparse(header, rewrite.sparse);
  if (rewrite.metadata) setMetadata(header, rewrite.metadata);
  if (hasOwnerNames(header, 0)) clearOwnerNames(header, 0);
  setChecksum(header, 0);
  return Buffer.concat([
    ...(records.length > 0 ? extension(TYPE.pax, PAX_NAME, Buffer.concat(records)) : []),
    ...longText(TYPE.longName, name, FIELD.name.length),
    ...longText(TYPE.longLink, link, FIELD.link.length),
    header,
    isOldSparse ? raw.subarray(entry.headerOffset + BLOCK, entry.dataOffset) : EMPTY,
  ]);
}

/** The xattr records of an entry's headers, in order. */
export function xattrRecords(raw: Uint8Array): readonly PaxRecord[] {
  const entry = emptyEntry();
  decodeEntry(raw, 0, 0, entry);
  return entry.pax.filter(isXattr);
}

/** Header of a directory that no layer describes: mode 0755, owned by root, mtime 1970. */
export function directoryHeader(path: Uint8Array): Buffer {
  const name = writtenName(path, TYPE.directory);
  const header = blankHeader(TYPE.directory, name, 0o755);
  return Buffer.concat([...longText(TYPE.longName, name, FIELD.name.length), header]);
}

function writtenName(path: Uint8Array, type: number): Uint8Array {
  if (path.length === 0) return ROOT;
  return type === TYPE.directory ? Buffer.concat([path, Buffer.from('/')]) : path;
}

/** Keys whose values go into the header itself, or into its GNU extensions. */
const NAMES: ReadonlySet<string> = new Set(['path', 'linkpath', 'GNU.sparse.name']);
const OVERRIDES: ReadonlySet<string> = new Set(['uid', 'gid', 'mtime']);
/** If one of these records has a sign, the header holds the number instead. */
const NUMBERS: ReadonlySet<string> = new Set(['uid', 'gid', 'size']);

function keptRecords(entry: TarEntry, type: number, rewrite: Rewrite): Uint8Array[] {
  const { metadata, xattrs = [], sparse, forWindows = false } = rewrite;
  // The last record of a key wins. If it is empty, the header's value applies, so no record of that key may stay.
  const last = new Map(entry.pax.map(({ key, value }) => [key, value]));
  const isInForce = ({ key, value }: PaxRecord) => value.length > 0 && last.get(key)?.length !== 0;
  const replaced = new Set(xattrs.map(({ key }) => key));
  const isKept = (record: PaxRecord) => {
    const { key } = record;
    if (forWindows && isWindowsRecord(record)) return true;
    if (NAMES.has(key) || !isPortable(record, type) || replaced.has(key)) return false;
    if (rewrite.link && isXattr(record)) return false;
    if (NUMBERS.has(key) && isSigned(record.value)) return false;
    if (sparse && (key === 'size' || key.startsWith('GNU.sparse.'))) return false;
    if (key.startsWith('GNU.sparse.')) return type === TYPE.file && (entry.quirks & QUIRK.straySparse) === 0;
    if (key === 'size') return type === TYPE.file && isInForce(record);
    if (key === 'atime' || key === 'ctime') return isInForce(record);
    return !OVERRIDES.has(key) || (isInForce(record) && metadata === undefined);
  };
  const written = (record: PaxRecord) => (isEscaped(record) ? escaped(record) : record.raw);
  const kept = entry.pax.filter(isKept).map(written);
  kept.push(...xattrs.filter((record) => isPortable(record, type)).map(written));
  if (sparse) kept.push(...sparseRecords(sparse));
  if (metadata && metadata.mtimeNanos !== 0) kept.push(encodePax('mtime', Buffer.from(decimalTime(metadata))));
  return kept;
}

function decimalTime({ mtime, mtimeNanos }: Metadata): string {
  const fraction = (nanos: number) => String(nanos).padStart(9, '0').replace(/0+$/, '');
  return mtime >= 0 ? `${mtime}.${fraction(mtimeNanos)}` : `-${-mtime - 1}.${fraction(1e9 - mtimeNanos)}`;
}

/**
 * Clears the prefix. In a ustar header the prefix is part of the name; in a GNU header those bytes are other fields.
 */
function clearPrefix(header: Buffer, entry: TarEntry): void {
  const { offset, length } = prefixField(header, 0);
  if (dialectOf(header, 0) === 'ustar' || (entry.quirks & QUIRK.gnuPrefix) !== 0)
    header.fill(0, offset, offset + length);
}

/** bsdtar reads the map of a GNU header whatever the type is, and a block of it after the header. */
function clearSparseMap(header: Buffer): void {
  header.fill(0, FIELD.gnuSparse.offset, FIELD.gnuRealSize.offset + FIELD.gnuRealSize.length);
}

function setText(header: Buffer, { offset, length }: { offset: number; length: number }, text: Uint8Array): void {
  header.fill(0, offset, offset + length);
  header.set(text.subarray(0, length), offset);
}

function setMetadata(header: Buffer, { mode, uid, gid, mtime }: Metadata): void {
  for (const [field, value] of Object.entries({ mode, uid, gid, mtime } as const)) {
    const { offset, length } = FIELD[field as 'mode' | 'uid' | 'gid' | 'mtime'];
    writeNumber(header, offset, length, value);
  }
}

/** Writes the numbers as they were decoded. For old sparse files too, the size field holds the stored size. */
function setNumbers(header: Buffer, entry: TarEntry): void {
  setMetadata(header, entry);
  const isFile = header[FIELD.type.offset] === TYPE.file || header[FIELD.type.offset] === TYPE.gnuSparse;
  writeNumber(header, FIELD.size.offset, FIELD.size.length, isFile ? entry.dataSize : 0);
  if (entry.type !== TYPE.charDevice && entry.type !== TYPE.blockDevice) return;
  writeNumber(header, FIELD.deviceMajor.offset, FIELD.deviceMajor.length, entry.deviceMajor);
  writeNumber(header, FIELD.deviceMinor.offset, FIELD.deviceMinor.length, entry.deviceMinor);
}

/** GNU tar recognizes a PAX sparse file only under a POSIX header in which nothing looks like star's time fields. */
function setSparse(header: Buffer, { size }: SparseLayout): void {
  const isOld = dialectOf(header, 0) === 'old';
  header.fill(0, isOld ? FIELD.magic.offset : FIELD.prefix.offset);
  header.write('ustar\x0000', FIELD.magic.offset, 'latin1');
  writeNumber(header, FIELD.size.offset, FIELD.size.length, size);
}

function blankHeader(type: number, name: Uint8Array, mode: number, size = 0): Buffer {
  const header = Buffer.alloc(BLOCK);
  setText(header, FIELD.name, name);
  header[FIELD.type.offset] = type;
  header.write(
    type === TYPE.longName || type === TYPE.longLink ? 'ustar  \0' : 'ustar\x0000',
    FIELD.magic.offset,
    'latin1',
  );
  setMetadata(header, { mode, uid: 0, gid: 0, mtime: 0, mtimeNanos: 0 });
  writeNumber(header, FIELD.size.offset, FIELD.size.length, size);
  setChecksum(header, 0);
  return header;
}

function extension(type: number, name: Uint8Array, body: Uint8Array): Uint8Array[] {
  const padding = Buffer.alloc(padded(body.length) - body.length);
  return [blankHeader(type, name, 0o644, body.length), body, padding];
}

function longText(type: number, text: Uint8Array, room: number): Uint8Array[] {
  if (text.length <= room) return [EMPTY];
  return extension(type, LONG_LINK_NAME, Buffer.concat([text, Buffer.from('\0')]));
}
