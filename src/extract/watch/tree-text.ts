import type { TarEntry } from '../../tar/entry.js';
import { TYPE } from '../../tar/header.js';
import { cleanPath } from '../../tar/path.js';
import { latin1 } from '../../tar/pax.js';
import { xattrsOf } from '../../tar/portable-record.js';

/** First line of the text that a tree digest is made of. It names the version of the format. */
export const TREE_HEADING = 'dimgx-tree 1';

/** Line of a root directory that no entry describes: it has the values of any such directory. */
export const IMPLIED_ROOT = 'directory . 0755 0 0 0';

const WORDS: Readonly<Record<number, string>> = {
  [TYPE.directory]: 'directory',
  [TYPE.file]: 'file',
  [TYPE.symlink]: 'symlink',
  [TYPE.charDevice]: 'character',
  [TYPE.blockDevice]: 'block',
  [TYPE.fifo]: 'fifo',
};

/** Whether an entry is the root directory. */
export function isRoot(entry: TarEntry): boolean {
  return cleanPath(entry.name, 'clamp').length === 0;
}

/**
 * One line of a tree's text, as docs/tree-digest.md specifies it, without its line end. To the line of a file, a space
 * and the SHA-256 of its contents in hex must be appended.
 */
export function treeLine(entry: TarEntry): string {
  if (entry.type === TYPE.hardLink) return `link ${pathText(entry.name)} ${pathText(entry.link)}`;
  const mode = entry.type === TYPE.symlink ? '0777' : entry.mode.toString(8).padStart(4, '0');
  const head = `${WORDS[entry.type]} ${pathText(entry.name)} ${mode} ${entry.uid} ${entry.gid} ${nanoseconds(entry)}`;
  return head + xattrFields(entry) + ownField(entry);
}

/** The last field, which only some types have. */
function ownField({ type, link, deviceMajor, deviceMinor }: TarEntry): string {
  if (type === TYPE.symlink) return ` ${percentEncoded(link)}`;
  return type === TYPE.charDevice || type === TYPE.blockDevice ? ` ${deviceMajor}:${deviceMinor}` : '';
}

function pathText(name: Uint8Array): string {
  const path = cleanPath(name, 'clamp');
  return path.length === 0 ? '.' : percentEncoded(path);
}

/** Time in nanoseconds since 1970. Most times are whole seconds, so digits are appended instead of multiplying. */
function nanoseconds({ mtime, mtimeNanos }: TarEntry): string {
  if (mtimeNanos === 0 && Number.isSafeInteger(mtime)) return mtime === 0 ? '0' : `${mtime}000000000`;
  return String(BigInt(mtime) * 1_000_000_000n + BigInt(mtimeNanos));
}

/** ` NAME=VALUE` for each xattr, by the bytes of the names. The last record of a name wins. */
function xattrFields({ pax }: TarEntry): string {
  if (pax.length === 0) return '';
  const xattrs = xattrsOf({ pax });
  const field = (name: string) => ` ${encodedText(name)}=${percentEncoded(xattrs.get(name) as Uint8Array)}`;
  return [...xattrs.keys()].sort().map(field).join('');
}

const PLAIN = /^[A-Za-z0-9._~/-]*$/;
const ENCODED = /[^A-Za-z0-9._~/-]/g;

/** Encodes each byte that is neither unreserved nor a slash. Source: RFC 3986, section 2. */
function percentEncoded(bytes: Uint8Array): string {
  return encodedText(latin1(bytes));
}

function encodedText(text: string): string {
  if (PLAIN.test(text)) return text;
  const encoded = (byte: string) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  return text.replace(ENCODED, encoded);
}
