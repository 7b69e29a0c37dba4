import { plainEntry, withParents } from './entry.mjs';
import { POOL_SIZE } from './pool.mjs';
import { Random } from './random.mjs';

/** @typedef {import('./entry.mjs').Entry} Entry */

/** Of all files together about 2 GB. The median is 7 KiB, the mean 35 KB, as in a distribution's larger packages. */
const MEDIAN = 7400;
const SPREAD = 1.78;
const LARGEST = 2 ** 25;

/** @param {Random} random @returns {number} the size of a file, log-normal */
function naturalSize(random) {
  return Math.min(LARGEST, Math.round(MEDIAN * Math.exp(SPREAD * random.normal())));
}

/**
 * The layers of an image like a distribution's, oldest to newest: a large one, and four that overwrite, remove and add.
 * Every layer has entries for the parents of its entries.
 *
 * @param {number} scale 1 for about 63,000 entries
 * @param {(random: Random) => number} [sizeOf] of a file, in bytes
 * @returns {Entry[][]}
 */
export function distributionLayers(scale, sizeOf = naturalSize) {
  const random = new Random(42);
  /** @param {string} path @returns {Entry} */
  const file = (path) => {
    const size = sizeOf(random);
    return { path, type: 'file', size, start: random.below(POOL_SIZE - size), target: '' };
  };
  const packages = Math.round(280 * scale);
  /** @type {Entry[]} */
  const base = [];
  for (let directory = 0; directory < packages * 5; directory++) {
    const folder = `usr/share/package-${directory % packages}/part-${directory}`;
    for (let index = 0; index < 20; index++) base.push(addition(random, file, folder, index));
  }
  const layers = [base];
  for (let number = 1; number <= 4; number++) layers.push(change(random, file, base, { number, scale, packages }));
  return layers.map(withParents);
}

/** @param {Random} random @param {(path: string) => Entry} file @param {string} folder @param {number} index @returns {Entry} */
function addition(random, file, folder, index) {
  const path = `${folder}/a-file-of-some-name-${index}`;
  if (index > 0 && random.below(25) === 0) return plainEntry(path, 'symlink', 'a-file-of-some-name-0');
  if (index > 0 && random.below(100) === 0) return plainEntry(path, 'link', `${folder}/a-file-of-some-name-0`);
  return file(path);
}

/**
 * @param {Random} random
 * @param {(path: string) => Entry} file
 * @param {Entry[]} base
 * @param {{ number: number, scale: number, packages: number }} layer
 */
function change(random, file, base, { number, scale, packages }) {
  /** @type {Map<string, Entry>} */
  const entries = new Map();
  for (let count = 0; count < 1200 * scale; count++) {
    // Links stand on the first file of a folder: the model stays small if that one is left alone.
    const path = base[random.below(base.length)]?.path ?? '';
    if (path.endsWith('-0')) continue;
    entries.set(path, random.below(3) === 0 ? plainEntry(path, 'whiteout') : file(path));
  }
  for (let count = 0; count < 4; count++) {
    const folder = `usr/share/package-${(number * 10 + count) % packages}`;
    for (const path of entries.keys()) if (path.startsWith(`${folder}/`)) entries.delete(path);
    if (count < 2) entries.set(folder, plainEntry(folder, 'whiteout'));
    else
      for (const entry of [plainEntry(folder, 'opaque'), file(`${folder}/again`)])
        entries.set(`${entry.type} ${entry.path}`, entry);
  }
  for (let count = 0; count < 6000 * scale; count++) {
    const path = `opt/layer-${number}/part-${count % 300}/file-${count}`;
    entries.set(path, file(path));
  }
  return [...entries.values()];
}
