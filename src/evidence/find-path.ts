import { MAX_SYMLINKS } from '../base/limits.js';
import { printable } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import type { IndexedLayer } from '../layer/layer-index.js';
import type { MergedTree } from '../merge/merged-tree.js';
import { KIND, NONE, type Node } from '../merge/node.js';
import { componentEnd, SLASH } from '../tar/path.js';

/** Where a path leads in a tree. */
export interface FoundPath {
  /** `NONE` if there is nothing. */
  readonly node: Node;
  /** Where it leads once symlinks are followed, as far as that goes: from the root, without a slash at either end. */
  readonly resolved: Uint8Array;
}

/**
 * Finds a path as the kernel would in a container: symlinks are followed, absolute ones from the root of the image, and
 * `..` of the root is the root. Several slashes mean one, and one at the end asks for a directory.
 *
 * @param followLast follow the last component, too, if it is a symlink
 * @throws DIMGX_PATH_LOOP
 */
export function findPath({ tree, layers }: MergedTree, path: Uint8Array, followLast = true): FoundPath {
  const todo: { readonly bytes: Uint8Array; at: number }[] = [{ bytes: path, at: 0 }];
  /** The directories that lead to the current one, which is the last. */
  const way: Node[] = [tree.root];
  let followed = 0;
  for (;;) {
    const current = todo.at(-1);
    const directory = way.at(-1) as Node;
    if (!current) return { node: directory, resolved: tree.path(directory) };
    const { bytes } = current;
    const isDirectory = tree.kind(directory) === KIND.directory;
    const isAsked = bytes[current.at] === SLASH;
    while (bytes[current.at] === SLASH) current.at++;
    if (current.at >= bytes.length) {
      if (isAsked && !isDirectory) return { node: NONE, resolved: tree.path(directory) };
      todo.pop();
      continue;
    }
    const start = current.at;
    const end = componentEnd(bytes, start);
    current.at = end;
    const name = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
    if (isDirectory && name === '.') continue;
    if (isDirectory && name === '..') {
      if (way.length > 1) way.pop();
      continue;
    }
    const node = isDirectory ? tree.lookup(directory, bytes, start, end) : NONE;
    if (node === NONE) return { node: NONE, resolved: missing(tree.path(directory), todo, bytes.subarray(start, end)) };
    const isLast = todo.every(({ bytes: text, at }) => isAtEnd(text, at));
    if (tree.kind(node) !== KIND.symlink || (isLast && !followLast)) {
      way.push(node);
      continue;
    }
    if (++followed > MAX_SYMLINKS) {
      throw new DimgxError('DIMGX_PATH_LOOP', `"${printable(path)}" leads through more than ${MAX_SYMLINKS} symlinks`);
    }
    const inode = tree.inode(node);
    const { entries } = layers[tree.inodes.contentLayer.get(inode)] as IndexedLayer;
    const target = entries.link(tree.inodes.contentEntry.get(inode));
    if (target[0] === SLASH) way.length = 1;
    todo.push({ bytes: target, at: 0 });
  }
}

function isAtEnd(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < bytes.length; i++) if (bytes[i] !== SLASH) return false;
  return true;
}

/** The path of what is not there: its directory, its name, and what would follow. */
function missing(
  directory: Uint8Array,
  todo: readonly { readonly bytes: Uint8Array; readonly at: number }[],
  name: Uint8Array,
): Uint8Array {
  const rest = todo.toReversed().map(({ bytes, at }) => Buffer.from(bytes.subarray(at)));
  const parts = [Buffer.from(directory), Buffer.from(name), ...rest].map((part) => part.toString('latin1'));
  const names = parts.flatMap((part) => part.split('/')).filter((part) => part !== '' && part !== '.');
  return Buffer.from(names.join('/'), 'latin1');
}
