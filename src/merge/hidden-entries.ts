import type { LayerIndex } from '../inspect/layer-index.js';
import type { Column } from './column.js';
import type { HiddenEntry, How } from './plan.js';
import { NONE, type Node, type Tree } from './tree.js';

interface Hider {
  readonly layer: number;
  readonly entry: number;
  readonly how: How;
}

/** Remembers what removed which node, to tell afterwards why an entry is not in the output. */
export class HiddenEntries {
  readonly #tree: Tree;
  readonly #layers: readonly LayerIndex[];
  readonly #hiders = new Map<Node, Hider>();

  /** @param layers oldest first */
  constructor(tree: Tree, layers: readonly LayerIndex[]) {
    this.#tree = tree;
    this.#layers = layers;
  }

  readonly note = (node: Node, layer: number, entry: number, how: How): void => {
    this.#hiders.set(node, { layer, entry, how });
  };

  /**
   * @param nodes for each layer, oldest first, and entry the node it made or defined
   * @param newestFirst turns the number of a layer around
   */
  list(nodes: readonly Column[], newestFirst: (layer: number) => number): HiddenEntry[] {
    const hidden: HiddenEntry[] = [];
    for (let layer = nodes.length - 1; layer >= 0; layer--) {
      const made = nodes[layer] as Column;
      for (let entry = 0; entry < made.length; entry++) {
        const node = made.get(entry);
        const hider = node === NONE ? undefined : this.#hiderOf(node);
        const isDefined = node !== NONE && this.#tree.layer(node) === layer && this.#tree.entry(node) === entry;
        if (isDefined && !hider) continue;
        hidden.push({ layer: newestFirst(layer), entry, ...(hider && { by: this.#tell(hider, newestFirst) }) });
      }
    }
    return hidden;
  }

  #hiderOf(node: Node): Hider | undefined {
    for (let at = node; at !== NONE; at = this.#tree.parent(at)) {
      const hider = this.#hiders.get(at);
      const isEmptiedOnly = at === node && hider?.how === 'opaque';
      if (hider && !isEmptiedOnly) return hider;
    }
    return undefined;
  }

  #tell({ layer, entry, how }: Hider, newestFirst: (layer: number) => number): HiddenEntry['by'] & object {
    const path = (this.#layers[layer] as LayerIndex).entries.path(entry);
    return { path, layer: newestFirst(layer), how };
  }
}
