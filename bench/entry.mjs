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
 * Depth first, the children of a directory by the bytes of their names: the order in which engines store layers. A whiteout
 * has the place of what it removes.
 *
 * @param {Entry[]} entries
 * @returns {Entry[]}
 */
export function inCanonicalOrder(entries) {
  const keyed = entries.map((entry) => ({ key: entry.path.replaceAll('/', '\0'), entry }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ entry }) => entry);
}

/**
 * In canonical order, each after entries for its parents, as engines write them.
 *
 * @param {Entry[]} entries
 * @returns {Entry[]}
 */
export function withParents(entries) {
  const seen = new Set();
  const all = [];
  for (const entry of inCanonicalOrder(entries)) {
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
