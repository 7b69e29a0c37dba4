import { KIND, NONE, type Node } from '../merge/node.js';
import { isDevice } from '../merge/order.js';
import type { Versions } from './versions.js';

/** Which version is present at each path after a layer. Takes four bytes a node. */
export class Presence {
  readonly #versions: Versions;
  /** By place. */
  readonly #nodes: Int32Array;

  /** Nothing is present. */
  constructor(versions: Versions) {
    this.#versions = versions;
    this.#nodes = new Int32Array(versions.places.length).fill(NONE);
  }

  /** @param layer number of the layer, where 0 is the oldest; negative: none is applied yet */
  static after(versions: Versions, layer: number): Presence {
    const presence = new Presence(versions);
    const made = versions.merged.made[layer] ?? 0;
    for (let node = 0; node < made; node++) {
      const hiding = versions.hidingLayer(node);
      if ((hiding === NONE || hiding > layer) && isTold(versions, node)) presence.enter(node);
    }
    return presence;
  }

  /** The node that is present at a place, or `NONE`. */
  at(place: number): Node {
    return this.#nodes[place] as Node;
  }

  enter(node: Node): void {
    this.#nodes[this.#versions.places[node] as number] = node;
  }

  clear(place: number): void {
    this.#nodes[place] = NONE;
  }

  /** Whether a node is present, or the one that it became: a directory that is emptied stays the same directory. */
  holds(node: Node): boolean {
    const present = this.at(this.#versions.places[node] as number);
    return present !== NONE && this.#versions.lasting(present) === this.#versions.lasting(node);
  }

  /** Whether the directory that a place is in is present. */
  hasRoomAt(place: number): boolean {
    const { merged, places } = this.#versions;
    const above = places[merged.tree.parent(place)] as number;
    if (above === 0) return true;
    const directory = this.at(above);
    return directory !== NONE && merged.tree.kind(directory) === KIND.directory;
  }
}

/** Whether changes to a node are told: it is not the root, and the caller of the merge wanted it. */
export function isTold({ merged }: Versions, node: Node): boolean {
  const { tree, wanted, excludeDevices, layers } = merged;
  if (tree.parent(node) === NONE || wanted?.[node] === 0) return false;
  return !excludeDevices || !isDevice(tree, layers, node);
}
