import { pathData, printable } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { type EntryTable, FLAG } from '../layer/entry-table.js';
import type { IndexedLayer } from '../layer/layer-index.js';
import { TYPE } from '../tar/header.js';
import { MAX_PATH } from '../tar/path.js';
import type { WarningTally } from '../warning-tally.js';
import { LayerSymlinks } from './layer-symlinks.js';
import { Column, KIND, NONE, type Node } from './node.js';
import type { How } from './plan.js';
import type { Tree } from './tree.js';
import { type FollowBudget, Walker } from './walk.js';
import { AUFS_LEFTOVERS, baseStart, type Marker, markerOf, WHITEOUT_PREFIX } from './whiteout.js';

/**
 * Called with each node that an entry of this layer hides, to explain later why something is not in the output.
 *
 * @param entry `NONE` if the node's name alone hides it
 * @param emptied the node that replaces the directory, if only its contents are hidden
 */
export type OnHidden = (node: Node, layer: number, entry: number, how: How, emptied?: Node) => void;

export interface ApplyContext {
  readonly tree: Tree;
  /** Oldest first. */
  readonly layers: readonly IndexedLayer[];
  readonly tally: WarningTally;
  /** Some layers were not selected, or are out of order: what is missing may be in another layer. */
  readonly lenient: boolean;
  readonly follows: FollowBudget;
  readonly onHidden?: OnHidden | undefined;
}

/**
 * Applies one layer to the tree made by the older layers. Whiteouts and opaque markers come first and act only on what
 * the older layers left, so their position in the tar does not matter. Then the entries follow in stored order.
 *
 * @param number number of the layer, where 0 is the oldest
 * @returns for each entry, the node it made or defined, or `NONE`
 * @throws DIMGX_ENTRY_BAD_LINK, DIMGX_ENTRY_BAD_PARENT, DIMGX_LAYER_BAD_ROOT, DIMGX_LIMIT_ENTRIES,
 *   DIMGX_ENTRY_UNSAFE_NAME
 */
export function applyLayer(context: ApplyContext, number: number): Column {
  const application = new LayerApplication(context, number);
  const markers = application.applyMarkers();
  return application.applyEntries(markers);
}

class LayerApplication {
  readonly #context: ApplyContext;
  readonly #tree: Tree;
  readonly #number: number;
  readonly #entries: EntryTable;
  readonly #names: Uint8Array;
  readonly #walker: Walker;
  /** Non-directories of older layers where a marker expects a directory, each with the first such marker. */
  readonly #blocked = new Map<Node, number>();
  /** The entry being applied. */
  #current = 0;

  constructor(context: ApplyContext, number: number) {
    this.#context = context;
    this.#tree = context.tree;
    this.#number = number;
    this.#entries = (context.layers[number] as IndexedLayer).entries;
    this.#names = this.#entries.columns.names;
    this.#walker = new Walker(context, number, (node) => this.#remove(node, this.#current, 'replacement'));
  }

  /** @returns the numbers of the marker entries, ascending */
  applyMarkers(): readonly number[] {
    const markers: number[] = [];
    let symlinks: LayerSymlinks | undefined;
    for (let i = 0; i < this.#entries.length; i++) {
      const marker = this.#markerOf(i);
      if (marker === 'none') continue;
      markers.push(i);
      symlinks ??= new LayerSymlinks(this.#entries, this.#tree.maxNodes, this.#context.follows);
      this.#applyMarker(i, marker, symlinks);
    }
    return markers;
  }

  applyEntries(markers: readonly number[]): Column {
    const nodes = new Column(this.#entries.length);
    let nextMarker = 0;
    for (let i = 0; i < this.#entries.length; i++) {
      const isMarker = markers[nextMarker] === i;
      nextMarker += isMarker ? 1 : 0;
      nodes.push(isMarker ? NONE : this.#applyEntry(i));
    }
    for (const [node, marker] of this.#blocked) {
      this.#current = marker;
      this.#walker.unblock(node);
    }
    this.#removeLeftovers();
    return nodes;
  }

  /** A name that is a marker counts as one for any type of entry, even a device 0:0. */
  #markerOf(i: number): Marker | 'device' {
    const marker = markerOf(this.#names, this.#entries.pathStart(i), this.#entries.pathEnd(i));
    return marker === 'none' && (this.#entries.flags(i) & FLAG.nullDevice) !== 0 ? 'device' : marker;
  }

  #applyMarker(i: number, marker: Marker | 'device', symlinks: LayerSymlinks): void {
    const { tally } = this.#context;
    const path = this.#entries.path(i);
    if (marker === 'invalid') tally.add('DIMGX_ENTRY_BAD_WHITEOUT', path);
    if (marker === 'aufs') tally.add('DIMGX_ENTRY_AUFS', path);
    if (marker === 'invalid' || marker === 'aufs') return;
    if (marker === 'device') tally.add('DIMGX_ENTRY_DEVICE_WHITEOUT', path);
    const base = baseStart(path, 0, path.length);
    const parent = symlinks.resolve(path.subarray(0, Math.max(0, base - 1)), i);
    const directory = this.#walker.olderDirectory(parent);
    if (directory === NONE) return;
    if (this.#tree.kind(directory) !== KIND.directory) {
      if (!this.#blocked.has(directory)) this.#blocked.set(directory, i);
      return;
    }
    if (marker === 'opaque') {
      const emptied = this.#tree.empty(directory);
      this.#context.onHidden?.(directory, this.#number, i, 'opaque', emptied);
      return;
    }
    const name = marker === 'whiteout' ? base + WHITEOUT_PREFIX : base;
    const hidden = this.#tree.lookup(directory, path, name, path.length);
    if (hidden !== NONE) this.#remove(hidden, i, 'removal');
  }

  #applyEntry(i: number): Node {
    this.#current = i;
    const start = this.#entries.pathStart(i);
    const end = this.#entries.pathEnd(i);
    const type = this.#entries.type(i);
    if (start === end) return this.#defineRoot(i, type);
    const base = baseStart(this.#names, start, end);
    const { directory, redirected } = this.#walker.parentOf(this.#names, start, base);
    const existing = this.#tree.lookup(directory, this.#names, base, end);
    const node =
      type === TYPE.directory
        ? this.#applyDirectory(i, directory, existing, base, end)
        : this.#applyOther(i, type, directory, existing, base, end);
    if (node !== NONE && redirected) this.#redirect(node);
    return node;
  }

  /** A path reached through symlinks may be longer than any name in the layer. */
  #redirect(node: Node): void {
    this.#tree.redirect(node);
    const length = this.#tree.pathLength(node);
    if (length <= MAX_PATH) return;
    const message = `layer ${this.#layerName}: symlinks lead to a path of ${length} bytes, over ${MAX_PATH}`;
    throw new DimgxError('DIMGX_ENTRY_UNSAFE_NAME', message, { layer: this.#layerName });
  }

  #defineRoot(i: number, type: number): Node {
    if (type !== TYPE.directory) {
      const message = `the root of layer ${this.#layerName} is not a directory`;
      throw new DimgxError('DIMGX_LAYER_BAD_ROOT', message, { layer: this.#layerName });
    }
    this.#noteDuplicate(this.#tree.root, i);
    this.#tree.define(this.#tree.root, { layer: this.#number, entry: i });
    return this.#tree.root;
  }

  #applyDirectory(i: number, directory: Node, existing: Node, base: number, end: number): Node {
    const ref = { layer: this.#number, entry: i };
    if (existing !== NONE) this.#noteDuplicate(existing, i);
    if (existing !== NONE && this.#tree.kind(existing) === KIND.directory) {
      this.#tree.define(existing, ref);
      return existing;
    }
    if (existing !== NONE) this.#remove(existing, i, 'replacement');
    return this.#tree.add(directory, this.#names, base, end, KIND.directory, ref, NONE);
  }

  #applyOther(i: number, type: number, directory: Node, existing: Node, base: number, end: number): Node {
    const ref = { layer: this.#number, entry: i };
    const target = type === TYPE.hardLink ? this.#linkTarget(i, existing) : NONE;
    if (type === TYPE.hardLink && target === NONE) return NONE;
    if (existing !== NONE) {
      this.#noteDuplicate(existing, i);
      this.#remove(existing, i, 'replacement');
    }
    if (target === NONE) {
      const kind = type === TYPE.symlink ? KIND.symlink : KIND.other;
      return this.#tree.add(
        directory,
        this.#names,
        base,
        end,
        kind,
        ref,
        this.#tree.inodes.add(ref, this.#tree.length),
      );
    }
    if (existing !== NONE && this.#walker.targetOf(this.#entries.link(i)) !== target) {
      return this.#refuseLink(i, 'or its path is removed by the link itself');
    }
    const inode = this.#tree.inode(target);
    this.#tree.inodes.setMetadata(inode, ref);
    if ((this.#entries.flags(i) & FLAG.linkXattrs) !== 0) this.#tree.inodes.addXattrs(inode, ref);
    return this.#tree.add(directory, this.#names, base, end, this.#tree.kind(target), ref, inode);
  }

  /** @returns `NONE` if the target may be in a layer that was not selected */
  #linkTarget(i: number, existing: Node): Node {
    const { tally, lenient } = this.#context;
    const target = this.#walker.targetOf(this.#entries.link(i));
    const wrong =
      target === NONE
        ? 'does not exist at that point'
        : target === existing
          ? 'is the link itself'
          : this.#tree.kind(target) === KIND.directory
            ? 'is a directory'
            : undefined;
    if (wrong !== undefined && lenient) {
      tally.add('DIMGX_ENTRY_LINK_NOT_SELECTED', this.#entries.path(i));
      return NONE;
    }
    if (wrong !== undefined) return this.#refuseLink(i, wrong);
    if (this.#tree.layer(target) !== this.#number) tally.add('DIMGX_ENTRY_LINK_ACROSS_LAYERS', this.#entries.path(i));
    return target;
  }

  #refuseLink(i: number, wrong: string): never {
    const shown = `"${printable(this.#entries.path(i))}" to "${printable(this.#entries.link(i))}"`;
    throw new DimgxError(
      'DIMGX_ENTRY_BAD_LINK',
      `layer ${this.#layerName}: the target of the hard link ${shown} ${wrong}`,
      { layer: this.#layerName, ...pathData(this.#entries.path(i)) },
    );
  }

  #noteDuplicate(existing: Node, i: number): void {
    if (this.#tree.layer(existing) !== this.#number || this.#tree.entry(existing) === NONE) return;
    this.#context.tally.add('DIMGX_ENTRY_DUPLICATE', this.#entries.path(i));
  }

  #remove(node: Node, i: number, how: How): void {
    this.#context.onHidden?.(node, this.#number, i, how);
    this.#tree.remove(node);
  }

  /**
   * Removes the files that AUFS kept at the root of a layer: they are not part of it. Hard links to them keep their
   * contents.
   */
  #removeLeftovers(): void {
    for (const name of AUFS_LEFTOVERS) {
      const node = this.#tree.lookup(this.#tree.root, name, 0, name.length);
      if (node !== NONE) this.#remove(node, NONE, 'leftover');
    }
  }

  get #layerName(): string {
    return (this.#context.layers[this.#number] as IndexedLayer).layer.name;
  }
}
