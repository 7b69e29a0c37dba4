/** @typedef {import('./entry.mjs').Entry} Entry */

/**
 * What is left when the layers are applied: written without a thought of speed, and without a line of dimgx's.
 *
 * @param {Entry[][]} layers oldest to newest
 * @returns {Map<string, Entry>}
 */
export function flattenModel(layers) {
  /** @type {Map<string, Entry>} */
  let tree = new Map();
  for (const layer of layers) {
    const removed = pathsOf(layer, 'whiteout');
    const emptied = pathsOf(layer, 'opaque');
    /** @param {string} path */
    const isLeft = (path) => !removed.has(path) && !ancestors(path).some((up) => removed.has(up) || emptied.has(up));
    if (removed.size + emptied.size > 0) tree = new Map([...tree].filter(([path]) => isLeft(path)));
    for (const entry of layer) if (entry.type !== 'whiteout' && entry.type !== 'opaque') tree.set(entry.path, entry);
  }
  return tree;
}

/** @param {Entry[]} layer @param {Entry['type']} wanted */
function pathsOf(layer, wanted) {
  return new Set(layer.filter(({ type }) => type === wanted).map(({ path }) => path));
}

/** @param {string} path @returns {string[]} */
function ancestors(path) {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
