import type { IndexedLayer } from '../layer/layer-index.js';
import type { MergedTree } from './merged-tree.js';
import { NONE } from './node.js';
import type { HiddenRef } from './plan.js';
import type { Tree } from './tree.js';

/**
 * The entries that are not in the tree, newest layer first, and what hides each.
 *
 * @param newestFirst converts the number of a layer to newest-first order
 */
export function* hiddenEntries(
  { tree, layers, nodes, removals }: MergedTree,
  newestFirst: (layer: number) => number,
): Generator<HiddenRef, void, void> {
  const written = writtenEntries(tree, layers);
  const nearest = removals.nearest(tree);
  const successors = removals.successors();
  const describe = (layer: number, entry: number, how: NonNullable<HiddenRef['by']>['how']) => {
    const path = (layers[layer] as IndexedLayer).entries.path(entry);
    return { by: { path, layer: newestFirst(layer), how } };
  };
  /** What removed the node or a directory above it, or gave the directory other metadata. */
  const hiderOf = (made: number, layer: number, entry: number) => {
    const node = successors.lasting(made);
    const removal = nearest[node] as number;
    if (removal !== NONE) {
      const remover = removals.entry(removal);
      return remover === NONE ? {} : describe(removals.layer(removal), remover, removals.how(removal));
    }
    const described = tree.ref(node);
    const isOther = described.layer !== layer || described.entry !== entry;
    return isOther && described.entry !== NONE ? describe(described.layer, described.entry, 'replacement') : {};
  };
  for (let layer = nodes.length - 1; layer >= 0; layer--) {
    const made = nodes[layer] as (typeof nodes)[number];
    for (let entry = 0; entry < made.length; entry++) {
      if (written[layer]?.[entry] === 1) continue;
      const node = made.get(entry);
      yield { layer: newestFirst(layer), entry, ...(node !== NONE && hiderOf(node, layer, entry)) };
    }
  }
}

/** For each layer and entry: 1 if the entry names or describes a surviving node. */
function writtenEntries(tree: Tree, layers: readonly IndexedLayer[]): Uint8Array[] {
  const written = layers.map(({ entries }) => new Uint8Array(entries.length));
  const alive = tree.survivors();
  for (let node = 0; node < alive.length; node++) {
    const { layer, entry } = tree.ref(node);
    if (alive[node] === 1 && entry !== NONE) (written[layer] as Uint8Array)[entry] = 1;
  }
  return written;
}
