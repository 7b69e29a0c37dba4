import { createHash } from 'node:crypto';
import { Random } from './random.mjs';

/**
 * @typedef {object} Entry
 * @property {string} path without a slash at either end
 * @property {'directory' | 'file' | 'symlink' | 'link' | 'whiteout' | 'opaque'} type
 * @property {number} size of files, in bytes
 * @property {number} start of a file's bytes in the pool
 * @property {string} target of links
 */

const POOL_SIZE = 2 ** 26;
/** Of all files together about 1.1 GB. The median is 4 KiB, the mean 20 KB, as in a distribution's packages. */
const MEDIAN = 4096;
const SPREAD = 1.78;
const LARGEST = 2 ** 25;

/** What files are made of: words and binary stretches that gzip shrinks to about a third. Files are slices of it. */
export function makePool() {
  const random = new Random(7);
  const words = Array.from({ length: 1024 }, () => {
    const length = 3 + random.below(8);
    return Array.from({ length }, () => String.fromCharCode(97 + random.below(26))).join('');
  });
  const pool = Buffer.alloc(POOL_SIZE);
  for (let at = 0; at < POOL_SIZE; ) {
    if (random.below(200) > 0)
      at += pool.write(`${words[random.below(random.below(random.below(1024) + 1) + 1)]} `, at, 'latin1') || POOL_SIZE;
    else for (const end = Math.min(at + 128, POOL_SIZE); at < end; at++) pool[at] = random.below(256);
  }
  return pool;
}

/**
 * The layers of an image of about 63,000 entries, oldest to newest: a large one, and four that overwrite, remove and add.
 * Every layer has entries for the parents of its entries, as engines write them.
 *
 * @returns {Entry[][]}
 */
export function makeLayers() {
  const random = new Random(42);
  const size = () => Math.min(LARGEST, Math.round(MEDIAN * Math.exp(SPREAD * random.normal())));
  /** @param {string} path @returns {Entry} */
  const file = (path) => {
    const bytes = size();
    return { path, type: 'file', size: bytes, start: random.below(POOL_SIZE - bytes), target: '' };
  };
  const base = [];
  for (let directory = 0; directory < 1400; directory++) {
    const folder = `usr/share/package-${directory % 280}/part-${directory}`;
    for (let index = 0; index < 20; index++) base.push(addition(random, file, folder, index));
  }
  const layers = [base];
  for (let number = 1; number <= 4; number++) layers.push(change(random, file, base, number));
  return layers.map(withParents);
}

/** @param {Random} random @param {(path: string) => Entry} file @param {string} folder @param {number} index @returns {Entry} */
function addition(random, file, folder, index) {
  const path = `${folder}/a-file-of-some-name-${index}`;
  if (index > 0 && random.below(25) === 0) return plain(path, 'symlink', 'a-file-of-some-name-0');
  if (index > 0 && random.below(100) === 0) return plain(path, 'link', `${folder}/a-file-of-some-name-0`);
  return file(path);
}

/** @param {Random} random @param {(path: string) => Entry} file @param {Entry[]} base @param {number} number */
function change(random, file, base, number) {
  /** @type {Map<string, Entry>} */
  const entries = new Map();
  for (let count = 0; count < 1200; count++) {
    // links stand on the first file of a folder: the model stays small if that one is left alone
    const { path } = base[random.below(base.length)] ?? base[0];
    if (path.endsWith('-0')) continue;
    entries.set(path, random.below(3) === 0 ? plain(path, 'whiteout') : file(path));
  }
  for (let count = 0; count < 4; count++) {
    const folder = `usr/share/package-${number * 10 + count}`;
    for (const path of entries.keys()) if (path.startsWith(`${folder}/`)) entries.delete(path);
    if (count < 2) entries.set(folder, plain(folder, 'whiteout'));
    else
      for (const entry of [plain(folder, 'opaque'), file(`${folder}/again`)])
        entries.set(`${entry.type} ${entry.path}`, entry);
  }
  for (let count = 0; count < 6000; count++) {
    const path = `opt/layer-${number}/part-${count % 300}/file-${count}`;
    entries.set(path, file(path));
  }
  return [...entries.values()];
}

/** @param {Entry[]} entries @returns {Entry[]} */
function withParents(entries) {
  const seen = new Set();
  const all = [];
  for (const entry of entries.sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const parts = entry.path.split('/');
    const depth = entry.type === 'opaque' ? parts.length : parts.length - 1;
    for (let count = 1; count <= depth; count++) {
      const path = parts.slice(0, count).join('/');
      if (!seen.has(path)) all.push(plain(path, 'directory'));
      seen.add(path);
    }
    all.push(entry);
  }
  return all;
}

/** @param {string} path @param {Entry['type']} type @param {string} [target] @returns {Entry} */
function plain(path, type, target = '') {
  return { path, type, size: 0, start: 0, target };
}

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
    const removed = new Set(layer.filter(({ type }) => type === 'whiteout').map(({ path }) => path));
    const emptied = new Set(layer.filter(({ type }) => type === 'opaque').map(({ path }) => path));
    const kept = [...tree].filter(
      ([path]) => !ancestors(path).some((above) => removed.has(above) || emptied.has(above)),
    );
    tree = new Map(kept.filter(([path]) => !removed.has(path)));
    for (const entry of layer) if (entry.type !== 'whiteout' && entry.type !== 'opaque') tree.set(entry.path, entry);
  }
  return tree;
}

/** @param {string} path @returns {string[]} */
function ancestors(path) {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** One line for an entry, the same from the model and from a tar. @param {Entry} entry @param {string} hash of a file's bytes */
export function listingLine(entry, hash) {
  return `${entry.path} ${entry.type} ${entry.size} ${entry.target} ${hash}`;
}

/** @param {string[]} lines @returns {string} a digest that does not depend on the order of the entries */
export function listingDigest(lines) {
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex');
}

/** @param {Uint8Array} bytes */
export function hashOf(bytes) {
  return createHash('sha1').update(bytes).digest('hex');
}
