import { readTar } from '../helpers/read-tar.js';
import type { Tree, TreeEntry } from '../helpers/tree.js';

/**
 * The tree of a tar that need not have its directories, nor be in order.
 *
 * @throws for a name that stands twice, one below what is no directory, and a link to what does not stand before it
 */
export function looseTree(tar: Buffer): Tree {
  const files = new Map<string, { fields: TreeEntry; names: string[] }>();
  for (const { name, type, link, fields } of readTar(tar)) {
    const path = name.replace(/\/$/, '');
    if (files.has(path)) throw new Error(`${JSON.stringify(path)} stands twice`);
    const target = type === '1' ? files.get(link) : { fields, names: [] };
    if (target === undefined) throw new Error(`${JSON.stringify(path)} is a link to nothing`);
    target.names.push(path);
    files.set(path, target);
  }
  for (const path of files.keys()) {
    const above = path.split('/').map((_, i, names) => names.slice(0, i).join('/'));
    const isLost = above.some((folder) => (files.get(folder)?.fields.type ?? 'directory') !== 'directory');
    if (isLost) throw new Error(`${JSON.stringify(path)} is below what is no directory`);
  }
  const tree = new Map<string, TreeEntry>();
  for (const [path, { fields, names }] of files) {
    tree.set(path, { ...fields, sameFileAs: names.length > 1 ? (names.toSorted()[0] as string) : '' });
  }
  return tree;
}
