import type { Random } from '../fuzz/random.js';
import type { RawEntry } from '../helpers/raw-layer.js';

/** One name of a tree, to be stored in some layer. */
export interface Item {
  readonly path: string;
  /** For a hard link: the path that it links to. That one must be stored before it. */
  readonly target?: string;
  /** Whether other items link to it, or it is a directory: an older entry of the same name would not just vanish. */
  readonly isShared: boolean;
  readonly entry: Entry;
}

type Entry = RawEntry | Uint8Array;
type Placed = readonly [path: string, target: string | undefined, entry: Entry];

/**
 * Layers, oldest first, that come to the tree of some items: divided at random, in any order that tar allows, with older
 * versions and files that newer layers replace or remove.
 */
export function relayered(items: readonly Item[], random: Random): readonly (readonly Entry[])[] {
  const count = 1 + random(4);
  const layers = Array.from({ length: count }, (): Placed[] => []);
  const layerOf = new Map<string, number>();
  for (const { path, target, isShared, entry } of items) {
    const least = target === undefined ? 0 : (layerOf.get(target) as number);
    const layer = least + random(count - least);
    layerOf.set(path, layer);
    layers[layer]?.push([path, target, entry]);
    const older = random(count);
    if (older >= layer || isShared || random(3) > 0) continue;
    layers[older]?.push([path, undefined, { name: path, content: 'an older version' }]);
  }
  const stored = layers.map((entries) => inSomeOrder(entries, random));
  if (count > 1 && random(2) === 0) {
    stored[0]?.push({ name: 'removed later', content: 'x' });
    stored[1]?.push({ name: '.wh.removed later' });
  }
  return stored;
}

/** Shuffled, but each hard link after its target if both are here. */
function inSomeOrder(entries: readonly Placed[], random: Random): Entry[] {
  const here = new Set(entries.map(([path]) => path));
  const stored = new Set<string>();
  const order: Entry[] = [];
  for (let left = shuffled(entries, random); left.length > 0; ) {
    const isReady = (target: string | undefined) => target === undefined || !here.has(target) || stored.has(target);
    for (const [path, target, entry] of left) {
      if (!isReady(target)) continue;
      order.push(entry);
      stored.add(path);
    }
    left = left.filter(([path]) => !stored.has(path));
  }
  return order;
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const keyed = values.map((value) => [random(2 ** 30), value] as const);
  return keyed.sort(([a], [b]) => a - b).map(([, value]) => value);
}
