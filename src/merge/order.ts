import { FLAG } from '../layer/entry-table.js';
import type { IndexedLayer } from '../layer/layer-index.js';
import { type Metadata, QUIRK, REWRITE } from '../tar/entry.js';
import { TYPE } from '../tar/header.js';
import { hasWindowsRoot } from '../tar/path.js';
import { HeaderChanges } from './header-changes.js';
import { Column, KIND, NONE, type Node } from './node.js';
import { SortedChildren } from './sorted-children.js';
import type { Tree } from './tree.js';

/** Bits of the flag word that prevent an entry from being copied unchanged. */
const CHANGES = REWRITE | FLAG.name | QUIRK.escapedXattr;

const OWNER_AND_TIME = ['uid', 'gid', 'mtime', 'mtimeNanos'] as const;

/** Items in output order, as in `Plan`. */
export interface OrderedItems {
  readonly layer: Column;
  readonly entry: Column;
  readonly changes: HeaderChanges;
  readonly dotted: boolean;
  /** Names of excluded devices. */
  readonly excluded: readonly Node[];
}

/**
 * Puts the surviving nodes into output order: depth first, the children of each directory by the bytes of their names.
 * The order depends on the tree alone, not on how it is divided into layers. A directory comes directly before its
 * contents, and an extractor that sets a directory's time after leaving it, as GNU tar does, sets it for good. Most
 * layers are stored in this order too, so neighbours stay neighbours. The first name of an inode in this order gets the
 * contents.
 *
 * @param layers oldest first
 * @param alive for each node, 1 if it is put out
 * @param excludeDevices leave out character and block devices
 */
export function orderItems(
  tree: Tree,
  layers: readonly IndexedLayer[],
  alive: Uint8Array,
  excludeDevices: boolean,
): OrderedItems {
  const isDotted = namesAreDotted(tree, layers, alive);
  const emission = new Emission(tree, layers, isDotted, excludeDevices);
  new SortedChildren(tree, alive).walk((node) => emission.emit(node));
  return { ...emission.items, excluded: emission.excluded, dotted: isDotted };
}

/** Whether names in the output begin with `./`, see `PlanColumns`. Counts the headers of the survivors only. */
function namesAreDotted(tree: Tree, layers: readonly IndexedLayer[], alive: Uint8Array): boolean {
  let dotted = 0;
  let surviving = 0;
  for (let node = 0; node < alive.length; node++) {
    if (alive[node] === 0) continue;
    if (tree.parent(node) === tree.root && hasWindowsRoot(tree.name(node))) return true;
    const entry = tree.entry(node);
    if (entry === NONE) continue;
    surviving++;
    if (((layers[tree.layer(node)] as IndexedLayer).entries.flags(entry) & FLAG.dotted) !== 0) dotted++;
  }
  return dotted * 2 > surviving;
}

/** Makes the items for nodes. */
class Emission {
  readonly #tree: Tree;
  readonly #layers: readonly IndexedLayer[];
  /** For each inode, the node whose item has the contents; `NONE` until that item is emitted. */
  readonly #holder: Int32Array;
  /** Value of `FLAG.dotted` in names that can stay unchanged. */
  readonly #dotted: number;
  readonly #excludeDevices: boolean;
  readonly items: Omit<OrderedItems, 'dotted' | 'excluded'>;
  readonly excluded: Node[] = [];

  constructor(tree: Tree, layers: readonly IndexedLayer[], isDotted: boolean, excludeDevices: boolean) {
    this.#tree = tree;
    this.#layers = layers;
    this.#excludeDevices = excludeDevices;
    this.#dotted = isDotted ? FLAG.dotted : 0;
    this.#holder = new Int32Array(tree.inodes.length).fill(NONE);
    this.items = { layer: new Column(1024), entry: new Column(1024), changes: new HeaderChanges(tree, layers) };
  }

  emit(node: Node): void {
    const isRootWithoutEntry = node === this.#tree.root && this.#tree.entry(node) === NONE;
    if (this.#tree.kind(node) !== KIND.directory) this.#emitName(node);
    else if (!isRootWithoutEntry) this.#emitDirectory(node);
  }

  #emitDirectory(node: Node): void {
    const { layer, entry } = this.#tree.ref(node);
    const isOdd =
      entry === NONE || (node !== this.#tree.root && this.#isNameOdd(layer, entry)) || this.#isRewritten(layer, entry);
    const mustChange = isOdd || this.#tree.isRedirected(node);
    this.#push(layer, entry, mustChange ? node : NONE);
  }

  /** Emits a name of an inode: with the contents, or as a hard link to the name that has them. */
  #emitName(node: Node): void {
    const inode = this.#tree.inode(node);
    if (this.#excludeDevices && this.#isDevice(inode)) {
      this.excluded.push(node);
      return;
    }
    if (this.#holder[inode] !== NONE) {
      this.#emitLink(node, inode);
      return;
    }
    this.#holder[inode] = node;
    this.#emitContents(node, inode);
  }

  #isDevice(inode: number): boolean {
    const { contentLayer, contentEntry } = this.#tree.inodes;
    const type = this.#entries(contentLayer.get(inode)).type(contentEntry.get(inode));
    return type === TYPE.charDevice || type === TYPE.blockDevice;
  }

  #emitContents(node: Node, inode: number): void {
    const layer = this.#tree.inodes.contentLayer.get(inode);
    const entry = this.#tree.inodes.contentEntry.get(inode);
    const isOwn = this.#tree.inodes.contentNode.get(inode) === node;
    const metadata = this.#otherMetadata(inode, layer, entry);
    const isOdd = this.#isRewritten(layer, entry) || this.#isNameOdd(layer, entry);
    const hasOtherXattrs = this.#tree.inodes.hasXattrs(inode);
    const isChanged = !isOwn || isOdd || metadata !== NONE || hasOtherXattrs || this.#tree.isRedirected(node);
    this.#push(layer, entry, isChanged ? node : NONE, NONE, hasOtherXattrs ? inode : metadata);
  }

  /** The xattrs of links are written with the contents only: an engine would set those of each link in turn. */
  #emitLink(node: Node, inode: number): void {
    const { layer, entry } = this.#tree.ref(node);
    const holder = this.#holder[inode] as Node;
    const metadata = this.#otherMetadata(inode, layer, entry);
    const isOdd = this.#isRewritten(layer, entry) || this.#isNameOdd(layer, entry);
    const isLink = this.#entries(layer).type(entry) === TYPE.hardLink && (this.#flags(layer, entry) & FLAG.link) === 0;
    const hasXattrs = (this.#flags(layer, entry) & FLAG.linkXattrs) !== 0;
    const isKept = isLink && !isOdd && !hasXattrs && metadata === NONE && !this.#tree.isRedirected(node);
    if (isKept && this.#isStoredTarget(this.#tree.path(holder), layer, entry)) this.#push(layer, entry, NONE);
    else this.#push(layer, entry, node, holder, metadata);
  }

  #isStoredTarget(target: Buffer, layer: number, entry: number): boolean {
    return !hasWindowsRoot(target) && target.equals(this.#entries(layer).link(entry));
  }

  /** The inode if its metadata differs from the entry's own header, else `NONE`. The mode of a symlink is ignored. */
  #otherMetadata(inode: number, layer: number, entry: number): number {
    const { metadataLayer, metadataEntry } = this.#tree.inodes;
    if (metadataLayer.get(inode) === layer && metadataEntry.get(inode) === entry) return NONE;
    const wanted = this.#entries(metadataLayer.get(inode)).metadata(metadataEntry.get(inode));
    const own = this.#entries(layer).metadata(entry);
    const isSame = (key: keyof Metadata) => wanted[key] === own[key];
    const isSymlink = this.#entries(layer).type(entry) === TYPE.symlink;
    return (isSymlink || isSame('mode')) && OWNER_AND_TIME.every(isSame) ? NONE : inode;
  }

  /**
   * @param node set if the header changes; `link` is then the node to link to, `inode` the one whose metadata is used
   */
  #push(layer: number, entry: number, node: Node, link: Node = NONE, inode: number = NONE): void {
    this.items.layer.push(layer);
    this.items.entry.push(entry);
    this.items.changes.push(node, link, inode);
  }

  #entries(layer: number) {
    return (this.#layers[layer] as IndexedLayer).entries;
  }

  #isRewritten(layer: number, entry: number): boolean {
    const changes = (this.#layers[layer] as IndexedLayer).forWindows ? CHANGES : CHANGES | QUIRK.windowsRecord;
    return (this.#flags(layer, entry) & changes) !== 0;
  }

  /** Whether the name begins with `./` and the others do not, or the reverse. */
  #isNameOdd(layer: number, entry: number): boolean {
    return (this.#flags(layer, entry) & FLAG.dotted) !== this.#dotted;
  }

  #flags(layer: number, entry: number): number {
    return this.#entries(layer).flags(entry);
  }
}
