import { Random } from './random.mjs';

/** @typedef {import('./entry.mjs').Entry} Entry */

/**
 * The same layers with the entries of each in an order of chance: parents may come after their children. A hard link still
 * comes after what it links to, or it could not be extracted.
 *
 * @param {Entry[][]} layers
 * @returns {Entry[][]}
 */
export function inRandomOrder(layers) {
  const random = new Random(17);
  return layers.map((layer) => linksLast(shuffled(layer, random)));
}

/** Source: Fisher and Yates. @param {Entry[]} entries @param {Random} random */
function shuffled(entries, random) {
  const all = [...entries];
  for (let last = all.length - 1; last > 0; last--) swap(all, last, random.below(last + 1));
  return all;
}

/** A target changes places with the first of its links that stands before it. @param {Entry[]} entries */
function linksLast(entries) {
  const all = [...entries];
  /** @type {Map<string, number>} */
  const firstLink = new Map();
  for (const [at, { type, target }] of entries.entries())
    if (type === 'link' && !firstLink.has(target)) firstLink.set(target, at);
  for (const [at, { path }] of entries.entries()) {
    const link = firstLink.get(path);
    if (link !== undefined && link < at) swap(all, link, at);
  }
  return all;
}

/** @param {Entry[]} entries @param {number} a @param {number} b */
function swap(entries, a, b) {
  const [first, second] = [entries[a], entries[b]];
  if (first && second) [entries[a], entries[b]] = [second, first];
}
