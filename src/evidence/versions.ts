import { requireThat } from '../check-options.js';
import type { IndexedLayer } from '../layer/layer-index.js';
import { planColumns } from '../merge/merge-plan.js';
import type { MergedTree } from '../merge/merged-tree.js';
import { NONE, type Node } from '../merge/node.js';
import { isDevice } from '../merge/order.js';
import type { Plan } from '../merge/plan.js';
import type { Successors } from '../merge/successors.js';
import { MAX_PATH } from '../tar/path.js';
import { FileNames } from './file-names.js';
import { NameCounts } from './name-counts.js';
import { nodesByPath } from './nodes-by-path.js';
import { placesOf } from './places.js';
import type { HiddenHow, VersionOrigin } from './recorded-entry.js';
import { Shadows } from './shadows.js';

/**
 * Most aliases, and most shadows, that are listed for a version. A Docker image has at most 127 layers. Aliases are not
 * listed beyond the length of one path, either, unless it is the first.
 */
const MOST_LISTED = 128;

/** Most versions hide nothing and are hidden by nothing: they share this. */
const NOTHING: readonly never[] = [];

/** What hides a version. */
export interface Hider {
  /** Number of its layer, where 0 is the oldest. */
  readonly layer: number;
  readonly how: HiddenHow;
  /** Path of the entry that hides it, from the root. */
  readonly path: Uint8Array;
}

/**
 * Every version of every path of a stack of layers, as nodes of the merged tree. A version is what one entry of one
 * layer made of a path. A directory that newer layers describe again is one version, the newest.
 */
export class Versions {
  readonly merged: MergedTree;
  /** For each node, the first node with the same path. */
  readonly places: Int32Array;
  readonly shadows: Shadows;
  /** Nodes of the output, in its order. */
  readonly present: Int32Array;
  /** Nodes that are hidden, by layer and then by path; those with one path newest first. */
  readonly hidden: Int32Array;
  readonly #nearest: Int32Array;
  readonly #successors: Successors;
  readonly #presentNames: FileNames;
  /** How many names an inode has in the output, and among the hidden versions. */
  readonly #presentCounts: NameCounts;
  readonly #hiddenCounts: NameCounts;
  /** Paths of the present names of one inode: hidden names of one file often follow one another. */
  #listed: { readonly inode: number; readonly paths: readonly Buffer[] } = { inode: NONE, paths: [] };

  /** @throws DIMGX_OPTION_INVALID unless `mergeLayers` made the plan, with its option `explain` */
  constructor(plan: Plan) {
    const { merged, node } = planColumns(plan);
    requireThat(merged !== undefined, 'the plan', 'a plan made with the option explain', plan);
    const { tree, removals } = merged as MergedTree;
    this.merged = merged as MergedTree;
    this.present = node;
    this.places = placesOf(tree);
    this.shadows = new Shadows(this.merged, this.places);
    this.#nearest = removals.nearest(tree);
    this.#successors = removals.successors();
    this.hidden = this.#byLayer(nodesByPath(this.merged, this.places, (node) => this.#isHidden(node)));
    this.#presentNames = new FileNames(tree, this.present);
    this.#presentCounts = new NameCounts(tree, this.present);
    this.#hiddenCounts = new NameCounts(tree, this.hidden);
  }

  /** Number of a layer in the image, where 1 is the base. */
  layerNumber(layer: number): number {
    return (this.merged.layers[Math.max(0, layer)] as IndexedLayer).place.position + 1;
  }

  /** A number that all names of one file share, and nothing else has. */
  inode(node: Node): number {
    const { tree } = this.merged;
    const inode = tree.inode(node);
    return 1 + (inode === NONE ? this.lasting(node) : tree.inodes.contentNode.get(inode));
  }

  /** The node that a directory finally became, if it was emptied on the way; else the node itself. */
  lasting(node: Node): Node {
    return this.#successors.lasting(node);
  }

  /** The layer that hides a version, where 0 is the oldest; `NONE` if nothing hides it. */
  hidingLayer(node: Node): number {
    const removal = this.#nearest[node] as number;
    return removal === NONE ? NONE : this.merged.removals.layer(removal);
  }

  /** @returns `undefined` for a version that nothing hides */
  hiderOf(node: Node): Hider | undefined {
    const { tree, layers, removals } = this.merged;
    const removal = this.#nearest[node] as number;
    if (removal === NONE) return undefined;
    const layer = removals.layer(removal);
    const entry = removals.entry(removal);
    const path =
      entry === NONE ? tree.path(removals.node(removal)) : (layers[layer] as IndexedLayer).entries.path(entry);
    return { layer, how: this.#howOf(node, removal), path };
  }

  /** Everything about a version but the entry itself. */
  originOf(node: Node): VersionOrigin {
    const { tree, layers } = this.merged;
    const ref = tree.ref(node);
    const { layer } = layers[Math.max(0, ref.layer)] as IndexedLayer;
    const hider = this.hiderOf(node);
    const inode = tree.inode(node);
    const aliveAs = hider && inode !== NONE ? this.#aliases(inode) : NOTHING;
    const older = this.shadows.count(node);
    return {
      layer: this.layerNumber(ref.layer),
      diffId: layer.diffId,
      createdBy: layer.history?.createdBy,
      hiddenBy: hider && { ...hider, layer: this.layerNumber(hider.layer) },
      aliveAs,
      moreAliveAs: hider && inode !== NONE ? this.#presentCounts.of(inode) - aliveAs.length : 0,
      shadows: older === 0 ? NOTHING : this.#shadowsOf(node),
      moreShadows: Math.max(0, older - MOST_LISTED),
      isImplied: ref.entry === NONE,
      inode: this.inode(node),
      nlink: this.#nlink(inode, hider !== undefined),
    };
  }

  #shadowsOf(node: Node): VersionOrigin['shadows'] {
    const older = this.shadows.of(node, MOST_LISTED);
    return older.map(({ layer, node: made }) => ({ layer: this.layerNumber(layer), inode: this.inode(made) }));
  }

  #howOf(node: Node, removal: number): HiddenHow {
    const { tree, removals } = this.merged;
    const how = removals.how(removal);
    if (how === 'opaque') return 'opaque';
    if (how !== 'replacement') return 'removed';
    if (removals.node(removal) !== node) return 'parent';
    return removals.layer(removal) === tree.layer(node) ? 'duplicate' : 'replaced';
  }

  #nlink(inode: number, isHidden: boolean): number {
    if (inode === NONE) return 1;
    return (isHidden ? this.#hiddenCounts : this.#presentCounts).of(inode);
  }

  #aliases(inode: number): readonly Buffer[] {
    if (this.#listed.inode !== inode) this.#listed = { inode, paths: this.#firstPaths(inode) };
    return this.#listed.paths;
  }

  /** The first names in the output. Each hidden name lists them, so they must not take much more than its own path. */
  #firstPaths(inode: number): readonly Buffer[] {
    const paths: Buffer[] = [];
    let bytes = 0;
    for (const name of this.#presentNames.of(inode)) {
      const path = this.merged.tree.path(name);
      bytes += path.length;
      if (paths.length === MOST_LISTED || (paths.length > 0 && bytes > MAX_PATH)) break;
      paths.push(path);
    }
    return paths;
  }

  #byLayer(nodes: Int32Array): Int32Array {
    const { tree, layers } = this.merged;
    const ends = new Int32Array(layers.length + 1);
    for (const node of nodes) ends[tree.layer(node) + 1] = (ends[tree.layer(node) + 1] as number) + 1;
    for (let layer = 1; layer < ends.length; layer++) {
      ends[layer] = (ends[layer] as number) + (ends[layer - 1] as number);
    }
    const sorted = new Int32Array(nodes.length);
    for (const node of nodes) {
      const layer = tree.layer(node);
      sorted[ends[layer] as number] = node;
      ends[layer] = (ends[layer] as number) + 1;
    }
    return sorted;
  }

  #isHidden(node: Node): boolean {
    const { tree, wanted, excludeDevices, layers } = this.merged;
    if (this.#nearest[node] === NONE || tree.entry(node) === NONE || this.lasting(node) !== node) return false;
    return wanted?.[node] !== 0 && !(excludeDevices && isDevice(tree, layers, node));
  }
}
