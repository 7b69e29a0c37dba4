import { createHash } from 'node:crypto';
import type { Tree, TreeEntry } from '../helpers/tree.js';

/** A line of a shown tree that tells a file and what is in it; contents have no blanks. */
const FILE = /^.*?=(?!=)(\S*)/s;

/**
 * A line for each name, in byte order: `a=CONTENTS`, `d/`, `l->TARGET`, `p|` for a fifo, `c 1:3` for a device,
 * `b==FIRST` for a further name of one inode, and what is not as usual: mode (0644, of a directory 0755, of a symlink
 * 0777), owner (0:0), time (0), xattrs (none).
 *
 * @param expected lines from which contents are known; of other contents the SHA-256 is shown
 */
export function shownTree(tree: Tree, expected: readonly string[]): string[] {
  const known = ['', ...expected.map((line) => FILE.exec(line)?.[1] ?? '')];
  const contents = new Map(known.map((content) => [sha256(content), content]));
  return [...tree].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, entry]) => shownEntry(path, entry, contents));
}

function shownEntry(path: string, entry: TreeEntry, contents: ReadonlyMap<string, string>): string {
  const { type, mode, owner, mtime, target, device, xattrs, sameFileAs, sha256: sum } = entry;
  const kinds: Readonly<Record<string, string>> = {
    file: `${path}=${contents.get(sum) ?? sum}`,
    directory: `${path}/`,
    symlink: `${path}->${target}`,
    fifo: `${path}|`,
  };
  const name =
    sameFileAs !== '' && sameFileAs !== path ? `${path}==${sameFileAs}` : (kinds[type] ?? `${path} ${device}`);
  const usual = { directory: '0755', symlink: '0777' }[type] ?? '0644';
  const odd = [mode === usual ? '' : mode, owner === '0:0' ? '' : owner, Number(mtime) === 0 ? '' : mtime, xattrs];
  return [name, ...odd.filter((text) => text !== '')].join(' ');
}

function sha256(content: string): string {
  return createHash('sha256').update(content, 'latin1').digest('hex');
}
