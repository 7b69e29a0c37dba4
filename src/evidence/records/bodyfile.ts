import { latin1 } from '../../tar/pax.js';
import type { RecordedEntry, RecordedType, RecordWriter, VersionOrigin } from '../recorded-entry.js';

/**
 * A body file for timelines, in the form of The Sleuth Kit 3: `MD5|name|inode|mode|uid|gid|size|atime|mtime|ctime|crtime`.
 * The MD5 is always `0`. Hidden versions have lines, too. Their names end in ` (deleted @N)`, where `N` is the layer that
 * has the version. Versions of one layer with one path would have one name, and mactime would mix them up: those that the
 * tar of hidden versions has in a folder of their own have the number of their entry, too, ` (deleted @N entry E)`.
 */
export function bodyfileRecord(): RecordWriter {
  return {
    heading: () => '',
    needsHashes: false,
    hasHidden: true,
    line(entry) {
      const { type, mode, uid, gid, size, origin } = entry;
      return `0|${nameOf(entry)}|${origin.inode}|${TYPES[type]}${permissions(mode)}|${uid}|${gid}|${size}|${times(entry)}\n`;
    },
  };
}

function nameOf({ path, target, origin }: RecordedEntry): string {
  const arrow = target === undefined ? '' : ` -> ${escaped(target)}`;
  return `/${escaped(path)}${arrow}${origin.hiddenBy ? ` (deleted ${versionOf(origin)})` : ''}`;
}

function versionOf({ layer, entry }: VersionOrigin): string {
  return entry === undefined ? `@${layer}` : `@${layer} entry ${entry}`;
}

/**
 * Times of access, modification, change and creation, in whole seconds; 0 if not known. mactime drops a line whose times
 * are all 0, unless one is written as `00`. It drops a line whose times are all before 1970 or too large, unless one is 0:
 * there the time of creation is left out.
 */
function times({ mtime, atime, ctime, crtime }: RecordedEntry): string {
  const { seconds } = mtime;
  if (!atime && !ctime && !crtime) return seconds === 0 ? '0|00|0|0' : `0|${seconds}|0|0`;
  const [accessed, changed, created] = [atime?.seconds ?? 0, ctime?.seconds ?? 0, crtime?.seconds ?? 0];
  const all = [accessed, seconds, changed, created];
  if (all.every((time) => time === 0)) return '0|00|0|0';
  const isShown = all.some((time) => time >= 0 && time <= Number.MAX_SAFE_INTEGER);
  return `${accessed}|${seconds}|${changed}|${isShown ? created : 0}`;
}

/** The type as a name has it, and as an inode has it. */
const TYPES: Readonly<Record<RecordedType, string>> = {
  file: 'r/r',
  directory: 'd/d',
  symlink: 'l/l',
  character: 'c/c',
  block: 'b/b',
  fifo: 'p/p',
};

/**
 * What three bits of permissions look like, and from index 8 on: with the special bit of the three. `special` is the
 * letter of that bit.
 */
function triads(special: string): readonly string[] {
  return Array.from({ length: 16 }, (_, bits) => {
    const execute = bits & 1 ? 'x' : '-';
    const last = bits & 8 ? (bits & 1 ? special : special.toUpperCase()) : execute;
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${last}`;
  });
}

const [OWNER, OTHERS] = [triads('s'), triads('t')];

/** `rwsr-xr-x`. */
function permissions(mode: number): string {
  const owner = OWNER[((mode >> 8) & 8) | ((mode >> 6) & 7)] as string;
  const group = OWNER[((mode >> 7) & 8) | ((mode >> 3) & 7)] as string;
  return owner + group + (OTHERS[((mode >> 6) & 8) | (mode & 7)] as string);
}

/** Printable ASCII but `%`, `\` and `|`. */
const PLAIN = /^[ -$&-[\]-{}~]*$/;

/** A character of UTF-8 that is not ASCII. Source: The Unicode Standard, table 3-7. */
const CHARACTER = [
  String.raw`[\xc2-\xdf][\x80-\xbf]`,
  String.raw`\xe0[\xa0-\xbf][\x80-\xbf]`,
  String.raw`[\xe1-\xec\xee\xef][\x80-\xbf]{2}`,
  String.raw`\xed[\x80-\x9f][\x80-\xbf]`,
  String.raw`\xf0[\x90-\xbf][\x80-\xbf]{2}`,
  String.raw`[\xf1-\xf3][\x80-\xbf]{3}`,
  String.raw`\xf4[\x80-\x8f][\x80-\xbf]{2}`,
].join('|');

/** What is escaped, or kept as group 1. Control characters beyond ASCII come first. */
const EACH = new RegExp(String.raw`\xc2[\x80-\x9f]|(${CHARACTER})|[^ -~]|[%\\|]`, 'g');

/** mactime undoes `%XX`, and takes a `|` for the end of the name. */
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '%': '%25', '|': '%7C' };

/** Bytes as UTF-8. Control characters, and bytes that are not UTF-8, are `\xNN`: one for each byte. */
function escaped(bytes: Uint8Array): string {
  const text = latin1(bytes);
  if (PLAIN.test(text)) return text;
  return text.replaceAll(EACH, (found, character?: string) => character ?? ESCAPES[found] ?? escapedBytes(found));
}

function escapedBytes(text: string): string {
  return Array.from(text, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`).join('');
}
