import { TYPE } from './header.js';
import { encodePax, type PaxRecord } from './pax.js';

/** What GNU tar, bsdtar and Go's reader take alike, where it is ASCII. */
const TEXTS: ReadonlySet<string> = new Set(['path', 'linkpath', 'uname', 'gname', 'GNU.sparse.name']);

/** What they take alike. Source: GNU tar, xheader.c; libarchive, archive_read_support_format_tar.c. */
const OTHERS: ReadonlySet<string> = new Set([
  ...['size', 'uid', 'gid', 'mtime', 'atime', 'ctime', 'comment'],
  ...['GNU.sparse.major', 'GNU.sparse.minor', 'GNU.sparse.realsize', 'GNU.sparse.size', 'GNU.sparse.map'],
  ...['GNU.sparse.numblocks', 'GNU.sparse.offset', 'GNU.sparse.numbytes'],
]);

const XATTR = 'SCHILY.xattr.';

/** Of xattrs that any file system of Linux may take. Source: Linux, xattr(7). */
const NAMESPACES = ['user.', 'security.', 'trusted.'] as const;
/** Of the name of an xattr, in bytes. Source: Linux, limits.h. */
const MAX_XATTR_NAME = 255;
const ACCESS_ACL = 'system.posix_acl_access';
const DEFAULT_ACL = 'system.posix_acl_default';

/** Sequences that GNU tar writes into the names of xattrs for "%" and "=", and takes for these. */
const ESCAPES = /%(?=25|3D)/g;

export function isXattr({ key }: PaxRecord): boolean {
  return key.startsWith(XATTR);
}

/** Whether something is lost when the record is left out: names go into headers, and those of owners count for nothing. */
export function isLost({ key }: PaxRecord): boolean {
  return !TEXTS.has(key);
}

/**
 * Whether a PAX record can stand in the output. Not those that make a reader complain: keys that GNU tar does not know,
 * text that bsdtar cannot convert to the locale, xattrs of other systems than Linux, or on what Linux lets have none of
 * the kind: container engines pass over these. Not those that container engines ignore and some reader obeys: `SCHILY.devmajor`, `SCHILY.acl.*`, `LIBARCHIVE.*`. And no
 * `trusted.overlay.*` xattr, which is a command to overlayfs.
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
 * Records that engines on Windows obey: security descriptors, attributes, mount points, the time of creation. Source:
 * go-winio, backuptar.
 */
export function isWindowsRecord({ key }: PaxRecord): boolean {
  return key.startsWith('MSWINDOWS.') || key === 'LIBARCHIVE.creationtime';
}

/**
 * Whether GNU tar takes the name of an xattr for another one, where container engines, Go's reader and bsdtar take it as it
 * stands.
 */
export function isEscaped(record: PaxRecord): boolean {
  return isXattr(record) && record.key.search(ESCAPES) >= 0;
}

/** The record as GNU tar must find it to set the xattr that engines set. Others find another name in it. */
export function escaped({ key, value }: PaxRecord): Uint8Array {
  return encodePax(key.replace(ESCAPES, '%25'), value);
}
