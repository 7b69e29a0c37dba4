import { Column } from './column.js';
import { type EntryRef, NONE, type Node } from './node.js';

/** What the names of a root filesystem that are no directories stand for, without contents; by number from 0. */
export class Inodes {
  /** The entry that has the contents. */
  readonly contentLayer = new Column(16);
  readonly contentEntry = new Column(16);
  /** The node that the contents came with. */
  readonly contentNode = new Column(16);
  /** The entry that last set the metadata. */
  readonly metadataLayer = new Column(16);
  readonly metadataEntry = new Column(16);
  /** Where in `#linkXattrs` the hard link stands that last gave it xattrs. */
  readonly #xattrs = new Column(16);
  /** Hard links that have xattrs; `before`: the one before it of the same inode. */
  readonly #linkXattrs = { layer: new Column(16), entry: new Column(16), before: new Column(16) };

  get length(): number {
    return this.contentNode.length;
  }

  /** Makes an inode whose contents and metadata are those of an entry; `node` is its first name. */
  add(ref: EntryRef, node: Node): number {
    this.contentLayer.push(ref.layer);
    this.contentEntry.push(ref.entry);
    this.contentNode.push(node);
    this.metadataLayer.push(ref.layer);
    this.metadataEntry.push(ref.entry);
    this.#xattrs.push(NONE);
    return this.length - 1;
  }

  /** Gives it the metadata in the header of a hard link. */
  setMetadata(inode: number, ref: EntryRef): void {
    this.metadataLayer.set(inode, ref.layer);
    this.metadataEntry.set(inode, ref.entry);
  }

  /** Notes a hard link of it that has xattrs. */
  addXattrs(inode: number, { layer, entry }: EntryRef): void {
    this.#linkXattrs.layer.push(layer);
    this.#linkXattrs.entry.push(entry);
    this.#linkXattrs.before.push(this.#xattrs.get(inode));
    this.#xattrs.set(inode, this.#linkXattrs.layer.length - 1);
  }

  /** Whether hard links gave it xattrs. */
  hasXattrs(inode: number): boolean {
    return this.#xattrs.get(inode) !== NONE;
  }

  /** The hard links that gave it xattrs, in the order of their application. */
  xattrRefs(inode: number): EntryRef[] {
    const { layer, entry, before } = this.#linkXattrs;
    const refs: EntryRef[] = [];
    for (let at = this.#xattrs.get(inode); at !== NONE; at = before.get(at)) {
      refs.push({ layer: layer.get(at), entry: entry.get(at) });
    }
    return refs.reverse();
  }
}
