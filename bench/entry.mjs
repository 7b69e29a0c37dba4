/**
 * What a layer holds, in the order of a list of them.
 *
 * @typedef {object} Entry
 * @property {string} path without a slash at either end; ASCII
 * @property {'directory' | 'file' | 'symlink' | 'link' | 'whiteout' | 'opaque'} type
 * @property {number} size of files, in bytes
 * @property {number} start of a file's bytes in the pool
 * @property {string} target of links
 */

/** An entry without bytes. @param {string} path @param {Entry['type']} type @param {string} [target] @returns {Entry} */
export function plainEntry(path, type, target = '') {
  return { path, type, size: 0, start: 0, target };
}

/**
 * Sorted, each after entries for its parents, as engines write them.
 *
 * @param {Entry[]} entries
 * @returns {Entry[]}
 */
export function withParents(entries) {
  const seen = new Set();
  const all = [];
  for (const entry of entries.sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const parts = entry.path.split('/');
    const depth = entry.type === 'opaque' ? parts.length : parts.length - 1;
    for (let count = 1; count <= depth; count++) {
      const path = parts.slice(0, count).join('/');
      if (!seen.has(path)) all.push(plainEntry(path, 'directory'));
      seen.add(path);
    }
    all.push(entry);
  }
  return all;
}
