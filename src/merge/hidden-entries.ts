import type { IndexedLayer } from '../layer/layer-index.js';
import type { OnHidden } from './apply-layer.js';
import { type Column, NONE, type Node } from './node.js';
import type { HiddenRef, How } from './plan.js';
import type { Tree } from './tree.js';

interface Hider {
  readonly layer: number;
  readonly entry: number;
  readonly how: How;
}

/** Records what removed each node, to explain later why an entry is not in the output. */
export class HiddenEntries {
  readonly #tree: Tree;
  readonly #layers: readonly IndexedLayer[];
  readonly #hiders = new Map<Node, Hider>();
  /** The nodes that replaced emptied directories. */
  readonly #emptied = new Map<Node, Node>();

  /** @param layers oldest first */
  constructor(tree: Tree, layers: readonly IndexedLayer[]) {
    this.#tree = tree;
    this.#layers = layers;
  }

  readonly note: OnHidden = (node, layer, entry, how, emptied) => {
    this.#hiders.set(node, { layer, entry, how });
    if (emptied !== undefined) this.#emptied.set(node, emptied);
  };

  /**
   * @param nodes for each layer, oldest first, and each entry: the node it made or defined
   * @param newestFirst converts the number of a layer to newest-first order
   */
  list(nodes: readonly Column[], newestFirst: (layer: number) => number): HiddenRef[] {
    const written = this.#written(nodes);
    const hidden: HiddenRef[] = [];
    for (let layer = nodes.length - 1; layer >= 0; layer--) {
      const made = nodes[layer] as Column;
      for (let entry = 0; entry < made.length; entry++) {
        if (written[layer]?.[entry] === 1) continue;
        const node = made.get(entry);
        const hider = node === NONE ? undefined : this.#hiderOf(node, layer, entry);
        hidden.push({ layer: newestFirst(layer), entry, ...(hider && { by: this.#describe(hider, newestFirst) }) });
      }
    }
    return hidden;
  }

  /** For each layer and entry: 1 if the entry names or describes a surviving node. */
  #written(nodes: readonly Column[]): Uint8Array[] {
    const written = nodes.map((made) => new Uint8Array(made.length));
    const alive = this.#tree.survivors();
    for (let node = 0; node < alive.length; node++) {
      const { layer, entry } = this.#tree.ref(node);
      if (alive[node] === 1 && entry !== NONE) (written[layer] as Uint8Array)[entry] = 1;
    }
    return written;
  }

  /** What removed the node or a directory above it, or gave the directory other metadata. */
  #hiderOf(made: Node, layer: number, entry: number): Hider | undefined {
    const node = this.#lastOf(made);
    for (let at = node; at !== NONE; at = this.#tree.parent(at)) {
      const hider = this.#hiders.get(at);
      if (hider) return hider;
    }
    const described = this.#tree.ref(node);
    const isOther = described.layer !== layer || described.entry !== entry;
    return isOther && described.entry !== NONE ? { ...described, how: 'replacement' } : undefined;
  }

  /**
   * The node that a directory finally became, if it was emptied once or more. Shortens the chain for the next lookup.
   */
  #lastOf(node: Node): Node {
    let last = node;
    for (let next = this.#emptied.get(last); next !== undefined; next = this.#emptied.get(last)) last = next;
    for (let at = node; at !== last; ) {
      const next = this.#emptied.get(at) as Node;
      this.#emptied.set(at, last);
      at = next;
    }
    return last;
  }

  #describe({ layer, entry, how }: Hider, newestFirst: (layer: number) => number): HiddenRef['by'] & object {
    const path = (this.#layers[layer] as IndexedLayer).entries.path(entry);
    return { path, layer: newestFirst(layer), how };
  }
}
