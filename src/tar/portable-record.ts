import { TYPE } from './header.js';
import { encodePax, type PaxRecord } from './pax.js';

/** Text records that GNU tar, bsdtar and Go's reader interpret alike if the value is ASCII. */
const TEXTS: ReadonlySet<string> = new Set(['path', 'linkpath', 'GNU.sparse.name']);

/** Names of owners: GNU tar and bsdtar, run by root, go by them before the numbers, container engines never. */
const OWNER_NAMES: ReadonlySet<string> = new Set(['uname', 'gname']);

/**
 * Other records that they interpret alike. Source: GNU tar, xheader.c; libarchive, archive_read_support_format_tar.c.
 */
const OTHERS: ReadonlySet<string> = new Set([
  ...['size', 'uid', 'gid', 'mtime', 'atime', 'ctime', 'comment'],
  ...['GNU.sparse.major', 'GNU.sparse.minor', 'GNU.sparse.realsize', 'GNU.sparse.size', 'GNU.sparse.map'],
  ...['GNU.sparse.numblocks', 'GNU.sparse.offset', 'GNU.sparse.numbytes'],
]);

const XATTR = 'SCHILY.xattr.';

/** Namespaces of xattrs that any Linux file system may support. Source: Linux, xattr(7). */
const NAMESPACES = ['user.', 'security.', 'trusted.'] as const;
/** Maximum length of an xattr name, in bytes. Source: Linux, limits.h. */
const MAX_XATTR_NAME = 255;
const ACCESS_ACL = 'system.posix_acl_access';
const DEFAULT_ACL = 'system.posix_acl_default';

/** Escapes that GNU tar writes for "%" and "=" in xattr names, and unescapes when reading. */
const ESCAPES = /%(?=25|3D)/g;

export function isXattr({ key }: PaxRecord): boolean {
  return key.startsWith(XATTR);
}

/**
 * The name of the xattr that a record of the output sets, as latin1; `undefined` if it sets none. Escapes that
 * `escaped` wrote are undone.
 */
export function xattrName(record: PaxRecord): string | undefined {
  return isXattr(record) ? record.key.slice(XATTR.length).replaceAll('%25', '%') : undefined;
}

const NO_XATTRS: ReadonlyMap<string, Uint8Array> = new Map();

/** The xattrs that the records of an output entry set: by name, as latin1. The last record of a name wins. */
export function xattrsOf({ pax }: { readonly pax: readonly PaxRecord[] }): ReadonlyMap<string, Uint8Array> {
  if (pax.length === 0) return NO_XATTRS;
  const xattrs = new Map<string, Uint8Array>();
  for (const record of pax) {
    const name = xattrName(record);
    if (name !== undefined) xattrs.set(name, record.value);
  }
  return xattrs;
}

/** Whether dropping the record loses information. File names are kept in headers, and owners by their numbers. */
export function isLost({ key }: PaxRecord): boolean {
  return !TEXTS.has(key) && !OWNER_NAMES.has(key);
}

/**
 * Whether a PAX record may appear in the output. Rejected are:
 * - records that make a reader complain: keys unknown to GNU tar, text that bsdtar cannot convert to the locale, xattrs
 *   from systems other than Linux, and xattrs on types that cannot have them on Linux (container engines skip these)
 * - records that container engines ignore but some reader honors: `uname`, `gname`, `SCHILY.devmajor`, `SCHILY.acl.*`,
 *   `LIBARCHIVE.*`
 * - `trusted.overlay.*` xattrs, which are commands to overlayfs
 */
export function isPortable({ key, value }: PaxRecord, type: number): boolean {
  if (TEXTS.has(key)) return value.every((byte) => byte < 0x80);
  return key.startsWith(XATTR) ? isPortableXattr(key.slice(XATTR.length), type) : OTHERS.has(key);
}

function isPortableXattr(name: string, type: number): boolean {
  if (name === ACCESS_ACL) return type !== TYPE.symlink;
  if (name === DEFAULT_ACL) return type === TYPE.directory;
  const namespace = NAMESPACES.find((each) => name.startsWith(each) && name.length > each.length);
  if (namespace === undefined || name.length > MAX_XATTR_NAME || name.startsWith('trusted.overlay.')) return false;
  return namespace !== 'user.' || type === TYPE.file || type === TYPE.directory;
}

/**
 * Records that engines on Windows honor: security descriptors, attributes, mount points, creation time. Source:
 * go-winio, backuptar.
 */
export function isWindowsRecord({ key }: PaxRecord): boolean {
  return key.startsWith('MSWINDOWS.') || key === 'LIBARCHIVE.creationtime';
}

/**
 * Whether GNU tar unescapes the xattr's name to a different one. Container engines, Go's reader and bsdtar take it
 * literally.
 */
export function isEscaped(record: PaxRecord): boolean {
  return isXattr(record) && record.key.search(ESCAPES) >= 0;
}

/** The record, escaped so that GNU tar sets the same xattr as the engines. Other readers see a different name. */
export function escaped({ key, value }: PaxRecord): Uint8Array {
  return encodePax(key.replace(ESCAPES, '%25'), value);
}
