import { requireThat } from '../check-options.js';
import type { IndexedLayer } from '../layer/layer-index.js';
import { planColumns } from '../merge/merge-plan.js';
import type { MergedTree } from '../merge/merged-tree.js';
import { KIND, NONE, type Node } from '../merge/node.js';
import { isDevice } from '../merge/order.js';
import type { Plan } from '../merge/plan.js';
import { SortedChildren } from '../merge/sorted-children.js';
import { placesOf } from './places.js';
import type { HiddenHow, VersionOrigin } from './recorded-entry.js';
import { Shadows } from './shadows.js';

/** Most aliases, and most shadows, that are listed for a version. A Docker image has at most 127 layers. */
const MOST_LISTED = 128;

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
  /** Nodes that are hidden, by layer and then by path. */
  readonly hidden: Int32Array;
  readonly #nearest: Int32Array;
  readonly #lasting: Int32Array;
  /** For each inode, its number of names in the output and among the hidden versions. */
  readonly #presentNames: Int32Array;
  readonly #hiddenNames: Int32Array;
  /** The first names in the output of inodes that hidden versions name, too. */
  readonly #aliases = new Map<number, Node[]>();

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
    this.#lasting = removals.lasting(tree);
    this.hidden = this.#hiddenNodes();
    this.#presentNames = this.#namesOf(this.present);
    this.#hiddenNames = this.#namesOf(this.hidden);
    for (const name of this.present) this.#noteAlias(name);
  }

  /** Number of a layer in the image, where 1 is the base. */
  layerNumber(layer: number): number {
    return (this.merged.layers[Math.max(0, layer)] as IndexedLayer).place.position + 1;
  }

  /** A number that all names of one file share, and nothing else has. */
  inode(node: Node): number {
    const { tree } = this.merged;
    const inode = tree.inode(node);
    return 1 + (inode === NONE ? (this.#lasting[node] as number) : tree.inodes.contentNode.get(inode));
  }

  /** The node that a directory finally became, if it was emptied on the way; else the node itself. */
  lasting(node: Node): Node {
    return this.#lasting[node] as Node;
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
    const aliases = hider ? (this.#aliases.get(tree.inode(node)) ?? []) : [];
    const shadows: { layer: number; inode: number }[] = [];
    let moreShadows = 0;
    for (const older of this.shadows.of(node)) {
      if (shadows.length === MOST_LISTED) moreShadows++;
      else shadows.push({ layer: this.layerNumber(older.layer), inode: this.inode(older.node) });
    }
    return {
      layer: this.layerNumber(ref.layer),
      entry: ref.entry + 1,
      diffId: layer.diffId,
      createdBy: layer.history?.createdBy,
      hiddenBy: hider && { ...hider, layer: this.layerNumber(hider.layer) },
      aliveAs: aliases.map((alias) => tree.path(alias)),
      moreAliveAs: aliases.length === 0 ? 0 : (this.#presentNames[tree.inode(node)] as number) - aliases.length,
      shadows,
      moreShadows,
      isImplied: ref.entry === NONE,
      inode: this.inode(node),
      nlink: this.#nlink(node, hider !== undefined),
    };
  }

  #howOf(node: Node, removal: number): HiddenHow {
    const { tree, removals } = this.merged;
    const how = removals.how(removal);
    if (how === 'opaque') return 'opaque';
    if (how !== 'replacement') return 'removed';
    if (removals.node(removal) !== node) return 'parent';
    return removals.layer(removal) === tree.layer(node) ? 'duplicate' : 'replaced';
  }

  #nlink(node: Node, isHidden: boolean): number {
    const inode = this.merged.tree.inode(node);
    if (inode === NONE) return 1;
    return (isHidden ? this.#hiddenNames : this.#presentNames)[inode] as number;
  }

  #namesOf(nodes: Int32Array): Int32Array {
    const { tree } = this.merged;
    const names = new Int32Array(tree.inodes.length);
    for (const node of nodes) {
      const inode = tree.inode(node);
      if (inode !== NONE) names[inode] = (names[inode] as number) + 1;
    }
    return names;
  }

  #noteAlias(node: Node): void {
    const inode = this.merged.tree.inode(node);
    if (inode === NONE || this.#hiddenNames[inode] === 0) return;
    const aliases = this.#aliases.get(inode);
    if (!aliases) this.#aliases.set(inode, [node]);
    else if (aliases.length < MOST_LISTED) aliases.push(node);
  }

  #isHidden(node: Node): boolean {
    const { tree, wanted, excludeDevices, layers } = this.merged;
    if (this.#nearest[node] === NONE || tree.entry(node) === NONE || this.#lasting[node] !== node) return false;
    return wanted?.[node] !== 0 && !(excludeDevices && isDevice(tree, layers, node));
  }

  #hiddenNodes(): Int32Array {
    const { tree, layers } = this.merged;
    const isOnTheWay = new Uint8Array(tree.length);
    const counts = new Int32Array(layers.length + 1);
    for (let node = tree.length - 1; node >= 0; node--) {
      if (this.#isHidden(node)) {
        isOnTheWay[node] = 1;
        const next = tree.layer(node) + 1;
        counts[next] = (counts[next] as number) + 1;
      }
      const parent = tree.parent(node);
      if (isOnTheWay[node] === 1 && parent !== NONE) isOnTheWay[parent] = 1;
    }
    for (let layer = 1; layer < counts.length; layer++) {
      counts[layer] = (counts[layer] as number) + (counts[layer - 1] as number);
    }
    const hidden = new Int32Array(counts.at(-1) as number);
    const children = new SortedChildren(tree, isOnTheWay);
    const add = (node: Node) => {
      if (!this.#isHidden(node)) return;
      const layer = tree.layer(node);
      const at = counts[layer] as number;
      hidden[at] = node;
      counts[layer] = at + 1;
    };
    for (const root of this.#roots()) children.walk(add, root);
    return hidden;
  }

  /** The root, and those that it replaced. */
  #roots(): Node[] {
    const { tree, removals } = this.merged;
    const roots = [tree.root];
    for (let removal = 0; removal < removals.length; removal++) {
      const node = removals.node(removal);
      if (tree.parent(node) === NONE && tree.kind(node) === KIND.directory) roots.push(node);
    }
    return roots.sort((one, other) => one - other);
  }
}
