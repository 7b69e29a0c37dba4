import type { IndexedLayer } from '../layer/layer-index.js';
import { Column, NONE, type Node } from '../merge/node.js';
import { TYPE } from '../tar/header.js';
import { isTold, Presence } from './presence.js';
import type { Versions } from './versions.js';

/** How many paths a layer added, changed and removed in the tree of the layers below, as `changesOf` tells them. */
export interface ChangeCount {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** Sum of the sizes of the files that its entries bring, in bytes. The holes of a sparse file count. */
  readonly bytes: number;
}

/** Counts the changes of every layer, oldest first. Looks at each version and each entry once. */
export function countChanges(versions: Versions): ChangeCount[] {
  const counter = new ChangeCounter(versions);
  return versions.merged.layers.map((_, layer) => counter.count(layer));
}

/** Goes through the layers, the oldest first. */
class ChangeCounter {
  readonly #versions: Versions;
  readonly #presence: Presence;
  /** For each layer, the first node that it hides, or `NONE`; for each node, the next one of its layer. */
  readonly #firstHidden: Int32Array;
  readonly #nextHidden: Int32Array;
  /** For each place, 1 more than the number of the last layer that counted it. */
  readonly #counted: Int32Array;

  constructor(versions: Versions) {
    const { layers, tree } = versions.merged;
    this.#versions = versions;
    this.#presence = new Presence(versions);
    this.#firstHidden = new Int32Array(layers.length).fill(NONE);
    this.#nextHidden = new Int32Array(tree.length);
    this.#counted = new Int32Array(tree.length);
    for (let node = 0; node < tree.length; node++) {
      const layer = versions.hidingLayer(node);
      if (layer === NONE) continue;
      this.#nextHidden[node] = this.#firstHidden[layer] as Node;
      this.#firstHidden[layer] = node;
    }
  }

  /** @param layer the one after that of the call before */
  count(layer: number): ChangeCount {
    const { added, replaced } = this.#enter(layer);
    const removed = this.#leave(layer);
    const { described, bytes } = this.#describe(layer);
    return { added, changed: replaced + described, removed, bytes };
  }

  /** Puts the nodes that the layer made in their places. */
  #enter(layer: number): { readonly added: number; readonly replaced: number } {
    const { merged, places } = this.#versions;
    let added = 0;
    let replaced = 0;
    for (let node = merged.made[layer - 1] ?? 0; node < (merged.made[layer] as number); node++) {
      if (this.#versions.hidingLayer(node) === layer || !isTold(this.#versions, node)) continue;
      const place = places[node] as number;
      const isEmptied = this.#presence.holds(node);
      const isNew = this.#presence.at(place) === NONE;
      this.#presence.enter(node);
      if (isEmptied) continue;
      this.#counted[place] = layer + 1;
      if (isNew) added++;
      else replaced++;
    }
    return { added, replaced };
  }

  /** Takes away what the layer hides, unless something else is in the place already. */
  #leave(layer: number): number {
    const left = new Column(16);
    for (let node = this.#firstHidden[layer] as Node; node !== NONE; node = this.#nextHidden[node] as Node) {
      const place = this.#versions.places[node] as number;
      if (this.#presence.at(place) !== node) continue;
      this.#presence.clear(place);
      left.push(place);
    }
    let removed = 0;
    for (let i = 0; i < left.length; i++) if (this.#presence.hasRoomAt(left.get(i))) removed++;
    return removed;
  }

  /** Counts what was there below and that the layer describes again, and the sizes of all that it brings. */
  #describe(layer: number): { readonly described: number; readonly bytes: number } {
    const { merged, places } = this.#versions;
    const { entries } = merged.layers[layer] as IndexedLayer;
    const nodes = merged.nodes[layer] as Column;
    let described = 0;
    let bytes = 0;
    for (let entry = 0; entry < nodes.length; entry++) {
      const node = nodes.get(entry);
      if (node === NONE || !this.#presence.holds(node)) continue;
      if (entries.type(entry) === TYPE.file) bytes += entries.size(entry);
      const place = places[node] as number;
      if (this.#counted[place] === layer + 1) continue;
      this.#counted[place] = layer + 1;
      described++;
    }
    return { described, bytes };
  }
}
