import { Column, type EntryRef, NONE, type Node } from './node.js';

/** Inodes of a root filesystem, without contents: what every name except a directory's refers to. Numbered from 0. */
export class Inodes {
  /** The entry with the contents. */
  readonly contentLayer = new Column(16);
  readonly contentEntry = new Column(16);
  /** The node that brought the contents. */
  readonly contentNode = new Column(16);
  /** The entry that last set the metadata. */
  readonly metadataLayer = new Column(16);
  readonly metadataEntry = new Column(16);
  /** Index in `#linkXattrs` of the last hard link that gave the inode xattrs. */
  readonly #xattrs = new Column(16);
  /** Hard links with xattrs. `before` is the index of the previous one of the same inode. */
  readonly #linkXattrs = { layer: new Column(16), entry: new Column(16), before: new Column(16) };

  get length(): number {
    return this.contentNode.length;
  }

  /** Adds an inode with the contents and metadata of an entry. `node` is its first name. */
  add(ref: EntryRef, node: Node): number {
    this.contentLayer.push(ref.layer);
    this.contentEntry.push(ref.entry);
    this.contentNode.push(node);
    this.metadataLayer.push(ref.layer);
    this.metadataEntry.push(ref.entry);
    this.#xattrs.push(NONE);
    return this.length - 1;
  }

  /** Sets the metadata to that in the header of a hard link. */
  setMetadata(inode: number, ref: EntryRef): void {
    this.metadataLayer.set(inode, ref.layer);
    this.metadataEntry.set(inode, ref.entry);
  }

  /** Records a hard link to the inode that has xattrs. */
  addXattrs(inode: number, { layer, entry }: EntryRef): void {
    this.#linkXattrs.layer.push(layer);
    this.#linkXattrs.entry.push(entry);
    this.#linkXattrs.before.push(this.#xattrs.get(inode));
    this.#xattrs.set(inode, this.#linkXattrs.layer.length - 1);
  }

  /** Whether any hard link gave the inode xattrs. */
  hasXattrs(inode: number): boolean {
    return this.#xattrs.get(inode) !== NONE;
  }

  /** The hard links that gave the inode xattrs, in the order they were applied. */
  xattrRefs(inode: number): EntryRef[] {
    const { layer, entry, before } = this.#linkXattrs;
    const refs: EntryRef[] = [];
    for (let at = this.#xattrs.get(inode); at !== NONE; at = before.get(at)) {
      refs.push({ layer: layer.get(at), entry: entry.get(at) });
    }
    return refs.reverse();
  }
}
