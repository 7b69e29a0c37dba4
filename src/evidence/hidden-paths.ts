import { KIND, NONE, type Node } from '../merge/node.js';
import { SLASH } from '../tar/path.js';
import { layerFolder } from './layer-folder.js';
import type { Versions } from './versions.js';

/**
 * The path of each hidden version in a tar of them: that in the image, in a folder for its layer, `layer-N-DIFFID12`.
 * Where a layer has several versions whose paths exclude one another, all but the last have a folder of their own,
 * `layer-N-DIFFID12-entry-E`: extracting the tar must lose nothing.
 */
export class HiddenPaths {
  readonly #versions: Versions;
  readonly #folders: readonly string[];
  /** For each node, 1 if it has a folder of its own. Made for the first that has one. */
  #displaced: Uint8Array | undefined;
  /**
   * The hidden versions in the order of the tar: by layer, then by path, and at last those of the layer that have a
   * folder of their own. So what is in a directory follows it, and an extractor that sets a directory's time after
   * leaving it sets it for good.
   */
  readonly nodes: Int32Array;

  constructor(versions: Versions) {
    this.#versions = versions;
    this.#folders = versions.merged.layers.map(({ layer, place }) => layerFolder(place.position + 1, layer));
    const { hidden, merged } = versions;
    let ordered = hidden;
    const rooms = new Rooms(versions);
    for (let from = 0, to = 0; from < hidden.length; from = to) {
      const layer = merged.tree.layer(hidden[from] as Node);
      while (to < hidden.length && merged.tree.layer(hidden[to] as Node) === layer) to++;
      const nodes = hidden.subarray(from, to);
      const displaced = rooms.displaced(layer, nodes);
      if (displaced.length === 0) continue;
      this.#displaced ??= new Uint8Array(merged.tree.length);
      for (const node of displaced) this.#displaced[node] = 1;
      const placed = nodes.filter((node) => !this.#isDisplaced(node));
      const others = nodes.filter((node) => this.#isDisplaced(node));
      if (ordered === hidden) ordered = hidden.slice();
      ordered.set(placed, from);
      ordered.set(others, from + placed.length);
    }
    this.nodes = ordered;
  }

  /** The number of a version's entry, counted from 1, if it has a folder of its own. */
  entryOf(node: Node): number | undefined {
    return this.#isDisplaced(node) ? this.#versions.merged.tree.entry(node) + 1 : undefined;
  }

  #isDisplaced(node: Node): boolean {
    return this.#displaced?.[node] === 1;
  }

  readonly of = (node: Node): Buffer => {
    const { tree } = this.#versions.merged;
    const folder = this.#folders[tree.layer(node)] as string;
    const entry = this.entryOf(node);
    const own = entry === undefined ? folder : `${folder}-entry-${entry}`;
    return Buffer.concat([Buffer.from(own), Buffer.of(SLASH), tree.path(node)]);
  };
}

/** What a path is taken for: a version that is no directory, one that is, or only what is below it. */
const CLAIM = { none: 0, leaf: 1, directory: 2, way: 3 } as const;

/** Finds the versions of a layer that another one of their layer leaves no room for. */
class Rooms {
  readonly #versions: Versions;
  /** For each place, one of `CLAIM`; and the places that have one other than `none`. */
  readonly #claims: Uint8Array;
  #claimed: Node[] = [];

  constructor(versions: Versions) {
    this.#versions = versions;
    this.#claims = new Uint8Array(versions.places.length);
  }

  /**
   * What a layer leaves behind when it is applied goes together. Of what it hides itself, the newest is in its place.
   *
   * @param nodes the hidden versions of the layer
   */
  displaced(layer: number, nodes: Int32Array): readonly Node[] {
    const isOwn = (node: Node) => this.#versions.hidingLayer(node) === layer;
    const own = nodes.filter(isOwn).sort();
    if (own.length === 0) return [];
    for (const place of this.#claimed) this.#claims[place] = CLAIM.none;
    this.#claimed = [];
    for (const node of nodes) if (!isOwn(node)) this.#claim(node);
    const displaced: Node[] = [];
    for (const node of own.reverse()) {
      if (this.#isFree(node)) this.#claim(node);
      else displaced.push(node);
    }
    return displaced;
  }

  #isDirectory(node: Node): boolean {
    return this.#versions.merged.tree.kind(node) === KIND.directory;
  }

  /** Looks at each directory above: that takes no longer than to write the path. */
  #isFree(node: Node): boolean {
    const own = this.#claimOf(node);
    if (own !== CLAIM.none && (own !== CLAIM.way || !this.#isDirectory(node))) return false;
    const { tree } = this.#versions.merged;
    for (let at = tree.parent(node); at !== NONE; at = tree.parent(at)) {
      const claim = this.#claimOf(at);
      if (claim !== CLAIM.none) return claim !== CLAIM.leaf;
    }
    return true;
  }

  #claim(node: Node): void {
    const { tree } = this.#versions.merged;
    this.#set(node, this.#isDirectory(node) ? CLAIM.directory : CLAIM.leaf);
    for (let at = tree.parent(node); at !== NONE && this.#claimOf(at) === CLAIM.none; at = tree.parent(at)) {
      this.#set(at, CLAIM.way);
    }
  }

  #set(node: Node, claim: number): void {
    const place = this.#versions.places[node] as Node;
    this.#claims[place] = claim;
    this.#claimed.push(place);
  }

  #claimOf(node: Node): number {
    return this.#claims[this.#versions.places[node] as Node] as number;
  }
}
