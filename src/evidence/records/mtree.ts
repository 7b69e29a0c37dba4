import { latin1 } from '../../tar/pax.js';
import type { RecordedEntry, RecordedType, RecordWriter } from '../recorded-entry.js';
import { nanoDigits } from './iso-time.js';

/**
 * An mtree specification with the keywords that the tools of NetBSD, FreeBSD and libarchive all understand. The first
 * line is that of the root, even if the tar has no entry for it. The others have full paths, `./a/b`.
 */
export function mtreeRecord(): RecordWriter {
  return {
    heading: (first) => (first?.path.length === 0 ? '#mtree\n' : '#mtree\n. type=dir\n'),
    needsHashes: true,
    hasHidden: false,
    line(entry) {
      const { path, type, mode, uid, gid, mtime } = entry;
      const name = path.length === 0 ? '.' : `./${escaped(path)}`;
      const owner = `uid=${uid} gid=${gid} mode=${mode.toString(8).padStart(4, '0')}`;
      const time = `${mtime.seconds}.${nanoDigits(mtime.nanos)}`;
      return `${name} type=${TYPES[type]} ${owner} time=${time}${ownKeywords(entry)}\n`;
    },
  };
}

const TYPES: Readonly<Record<RecordedType, string>> = {
  file: 'file',
  directory: 'dir',
  symlink: 'link',
  character: 'char',
  block: 'block',
  fifo: 'fifo',
};

/** Keywords that only some types have. */
function ownKeywords({ type, size, sha256, target, device, origin }: RecordedEntry): string {
  if (type === 'file') {
    const digest = sha256 === undefined ? '' : ` sha256digest=${sha256}`;
    return ` nlink=${origin.nlink} size=${size}${digest}`;
  }
  if (type === 'symlink') return target === undefined || target.length === 0 ? '' : ` link=${escaped(target)}`;
  return device && isPossible(device) ? ` device=native,${device.major},${device.minor}` : '';
}

/** Number of major and minor device numbers on Linux. The tools refuse a whole specification for one number too large. */
const MAJORS = 2 ** 12;
const MINORS = 2 ** 20;

function isPossible({ major, minor }: NonNullable<RecordedEntry['device']>): boolean {
  return major < MAJORS && minor < MINORS;
}

/** Bytes that are not visible ASCII, and those with a meaning: escape, comment, value, pattern. */
const ESCAPED = /[^!-~]|[\\#=*?[]/;
const EACH_ESCAPED = new RegExp(ESCAPED, 'g');

function escaped(bytes: Uint8Array): string {
  const text = latin1(bytes);
  if (!ESCAPED.test(text)) return text;
  return text.replaceAll(EACH_ESCAPED, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
