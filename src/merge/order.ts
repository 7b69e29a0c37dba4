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
}

/** The items of the flat tar. */
export interface FlatItems extends OrderedItems {
  readonly node: Column;
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
): FlatItems {
  const isDotted = namesAreDotted(tree, layers, alive);
  const nodes = new Column(1024);
  const emission = new Emission(tree, layers, { isDotted, nodeOf: nodes.get.bind(nodes) });
  const excluded: Node[] = [];
  new SortedChildren(tree, alive).walk((node) => {
    if (excludeDevices && isDevice(tree, layers, node)) excluded.push(node);
    else if (emission.emit(node)) nodes.push(node);
  });
  return { ...emission.end(), node: nodes, excluded, dotted: isDotted };
}

/**
 * Makes items for nodes that are put out under other paths than their own. Names of one file stay linked.
 *
 * @param nodes in output order; each makes an item
 * @param pathOf the path to write for a node
 */
export function itemsElsewhere(
  tree: Tree,
  layers: readonly IndexedLayer[],
  nodes: Int32Array,
  pathOf: (node: Node) => Buffer,
): OrderedItems {
  const emission = new Emission(tree, layers, { isDotted: false, nodeOf: (item) => nodes[item] as Node, pathOf });
  for (const node of nodes) emission.emit(node);
  return emission.end();
}

/** Whether a node is a name of a character or block device. */
export function isDevice(tree: Tree, layers: readonly IndexedLayer[], node: Node): boolean {
  if (tree.kind(node) !== KIND.other) return false;
  const { contentLayer, contentEntry } = tree.inodes;
  const inode = tree.inode(node);
  const { entries } = layers[contentLayer.get(inode)] as IndexedLayer;
  const type = entries.type(contentEntry.get(inode));
  return type === TYPE.charDevice || type === TYPE.blockDevice;
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

interface EmittedNames {
  /** Whether names begin with `./`. */
  readonly isDotted: boolean;
  /** The node of an item that has been emitted. */
  readonly nodeOf: (item: number) => Node;
  readonly pathOf?: (node: Node) => Buffer;
}

/** Makes the items for nodes. */
class Emission {
  readonly #tree: Tree;
  readonly #layers: readonly IndexedLayer[];
  /** For each inode, the node whose item has the contents; `NONE` until that item is emitted. */
  readonly #holder: Int32Array;
  /** Value of `FLAG.dotted` in names that can stay unchanged. */
  readonly #dotted: number;
  /** Every name changes. */
  readonly #isElsewhere: boolean;
  readonly #items: OrderedItems;

  /** @param names how names are written; `pathOf` is set if no node is written under its own path */
  constructor(tree: Tree, layers: readonly IndexedLayer[], { isDotted, nodeOf, pathOf }: EmittedNames) {
    this.#tree = tree;
    this.#layers = layers;
    this.#dotted = isDotted ? FLAG.dotted : 0;
    this.#isElsewhere = pathOf !== undefined;
    this.#holder = new Int32Array(tree.inodes.length).fill(NONE);
    const changes = new HeaderChanges(tree, layers, nodeOf, pathOf);
    this.#items = { layer: new Column(1024), entry: new Column(1024), changes };
  }

  /** @returns whether it makes an item: a root without an entry does not */
  emit(node: Node): boolean {
    if (this.#tree.parent(node) === NONE && this.#tree.entry(node) === NONE) return false;
    if (this.#tree.kind(node) === KIND.directory) this.#emitDirectory(node);
    else this.#emitName(node);
    return true;
  }

  /** The items, once all of them are made. */
  end(): OrderedItems {
    this.#items.changes.trim();
    return this.#items;
  }

  #emitDirectory(node: Node): void {
    const { layer, entry } = this.#tree.ref(node);
    const isOdd =
      entry === NONE || (node !== this.#tree.root && this.#isNameOdd(layer, entry)) || this.#isRewritten(layer, entry);
    const mustChange = isOdd || this.#tree.isRedirected(node);
    this.#push(layer, entry, { isChanged: mustChange });
  }

  /** Emits a name of an inode: with the contents, or as a hard link to the name that has them. */
  #emitName(node: Node): void {
    const inode = this.#tree.inode(node);
    if (this.#holder[inode] !== NONE) {
      this.#emitLink(node, inode);
      return;
    }
    this.#holder[inode] = node;
    this.#emitContents(node, inode);
  }

  #emitContents(node: Node, inode: number): void {
    const layer = this.#tree.inodes.contentLayer.get(inode);
    const entry = this.#tree.inodes.contentEntry.get(inode);
    const isOwn = this.#tree.inodes.contentNode.get(inode) === node;
    const metadata = this.#otherMetadata(inode, layer, entry);
    const isOdd = this.#isRewritten(layer, entry) || this.#isNameOdd(layer, entry);
    const hasOtherXattrs = this.#tree.inodes.hasXattrs(inode);
    const isChanged = !isOwn || isOdd || metadata !== NONE || hasOtherXattrs || this.#tree.isRedirected(node);
    this.#push(layer, entry, { isChanged, inode: hasOtherXattrs ? inode : metadata });
  }

  /** The xattrs of links are written with the contents only: an engine would set those of each link in turn. */
  #emitLink(node: Node, inode: number): void {
    const { layer, entry } = this.#tree.ref(node);
    const holder = this.#holder[inode] as Node;
    const metadata = this.#otherMetadata(inode, layer, entry);
    const isOdd = this.#isRewritten(layer, entry) || this.#isNameOdd(layer, entry);
    const isLink = this.#entries(layer).type(entry) === TYPE.hardLink && (this.#flags(layer, entry) & FLAG.link) === 0;
    const hasXattrs = (this.#flags(layer, entry) & FLAG.linkXattrs) !== 0;
    const isOwn = isLink && !isOdd && !hasXattrs && metadata === NONE && !this.#tree.isRedirected(node);
    const isKept = isOwn && !this.#isElsewhere && this.#isStoredTarget(this.#tree.path(holder), layer, entry);
    this.#push(layer, entry, isKept ? { isChanged: false } : { isChanged: true, link: holder, inode: metadata });
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

  /** @param change `link` is the node to link to, `inode` the one whose metadata is used */
  #push(
    layer: number,
    entry: number,
    { isChanged, link = NONE, inode = NONE }: { isChanged: boolean; link?: Node; inode?: number },
  ): void {
    this.#items.layer.push(layer);
    this.#items.entry.push(entry);
    if (isChanged || this.#isElsewhere) this.#items.changes.push(link, inode);
    else this.#items.changes.pushUnchanged();
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
