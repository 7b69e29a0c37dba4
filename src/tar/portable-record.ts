import { TYPE } from './header.js';
import type { PaxRecord } from './pax.js';

/** What GNU tar, bsdtar and Go's reader take alike, where it is ASCII. */
const TEXTS: ReadonlySet<string> = new Set(['path', 'linkpath', 'uname', 'gname', 'GNU.sparse.name']);

/** What they take alike. Source: GNU tar, xheader.c; libarchive, archive_read_support_format_tar.c. */
const OTHERS: ReadonlySet<string> = new Set([
  ...['size', 'uid', 'gid', 'mtime', 'atime', 'ctime', 'comment'],
  ...['GNU.sparse.major', 'GNU.sparse.minor', 'GNU.sparse.realsize', 'GNU.sparse.size', 'GNU.sparse.map'],
  ...['GNU.sparse.numblocks', 'GNU.sparse.offset', 'GNU.sparse.numbytes'],
]);

const XATTR = 'SCHILY.xattr.';

export function isXattr({ key }: PaxRecord): boolean {
  return key.startsWith(XATTR);
}

/** Whether something is lost when the record is left out: names go into headers, and those of owners count for nothing. */
export function isLost({ key }: PaxRecord): boolean {
  return !TEXTS.has(key);
}

/**
 * Whether a PAX record can stand in the output. Not those that make a reader complain: keys that GNU tar does not know,
 * text that bsdtar cannot convert to the locale, xattrs on what Linux lets have none of the kind. Not those that
 * container engines ignore and some reader obeys: `SCHILY.devmajor`, `SCHILY.acl.*`, `LIBARCHIVE.*`. And no
 * `trusted.overlay.*` xattr, which is a command to overlayfs.
 */
export function isPortable({ key, value }: PaxRecord, type: number): boolean {
  if (TEXTS.has(key)) return value.every((byte) => byte < 0x80);
  if (!key.startsWith(XATTR)) return OTHERS.has(key);
  if (key.startsWith('trusted.overlay.', XATTR.length)) return false;
  if (key.startsWith('user.', XATTR.length)) return type === TYPE.file || type === TYPE.directory;
  return type !== TYPE.symlink || !key.startsWith('system.posix_acl_', XATTR.length);
}
