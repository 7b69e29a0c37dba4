import type { Metadata } from '../tar/entry.js';
import { type Entries, type EntryView, entryView } from './entries.js';

/**
 * The columns of a table: plain arrays that can be handed from one thread to another. Measured: one object per entry
 * takes 564 bytes, these take 65 and the names.
 */
export interface EntryColumns {
  readonly length: number;
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** In bytes: of a sparse file the real size. */
  readonly size: Float64Array;
  /** From `start` to the entry's own header, and to its contents. */
  readonly headerLength: Uint32Array;
  readonly dataLength: Uint32Array;
  /** Entry `i` has its cleaned path at `[nameEnd[i-1], linkStart[i])` of `names` and its link up to `nameEnd[i]`. */
  readonly linkStart: Uint32Array;
  readonly nameEnd: Uint32Array;
  readonly names: Uint8Array;
  readonly type: Uint8Array;
  readonly flags: Uint16Array;
  readonly mode: Uint16Array;
  readonly uid: Float64Array;
  readonly gid: Float64Array;
  readonly mtime: Float64Array;
  readonly mtimeNanos: Uint32Array;
}

/** The low bits of a flag word are `ODD`; these come above them. */
export const FLAG = {
  /** The stored name is not the one to write. */
  name: 1 << 11,
  /** The stored hard-link target is not the one to write. */
  link: 1 << 12,
  /** A device 0:0. */
  nullDevice: 1 << 13,
  /** The stored name begins with `./`. */
  dotted: 1 << 14,
  /** A hard link with xattrs, which are its inode's. */
  linkXattrs: 1 << 15,
} as const;

/** The entries of a layer, in stored order, by number from 0. */
export class EntryTable implements Entries {
  readonly columns: EntryColumns;

  constructor(columns: EntryColumns) {
    this.columns = columns;
  }

  get length(): number {
    return this.columns.length;
  }

  at(index: number): EntryView | undefined {
    return Number.isInteger(index) && index >= 0 && index < this.length ? entryView(this, index) : undefined;
  }

  *[Symbol.iterator](): Iterator<EntryView> {
    for (let index = 0; index < this.length; index++) yield entryView(this, index);
  }

  /** One of `TYPE`. */
  type(i: number): number {
    return this.columns.type[i] as number;
  }

  /** Bits of `ODD` and `FLAG`. */
  flags(i: number): number {
    return this.columns.flags[i] as number;
  }

  /** Cleaned, relative to the root, empty for the root: a view. */
  path(i: number): Uint8Array {
    return this.columns.names.subarray(this.pathStart(i), this.columns.linkStart[i]);
  }

  pathStart(i: number): number {
    return i === 0 ? 0 : (this.columns.nameEnd[i - 1] as number);
  }

  pathEnd(i: number): number {
    return this.columns.linkStart[i] as number;
  }

  /** A hard link's target, cleaned; a symlink's, as stored: a view. */
  link(i: number): Uint8Array {
    return this.columns.names.subarray(this.columns.linkStart[i], this.columns.nameEnd[i]);
  }

  /** Of the first header block, in bytes from the start of the layer. */
  start(i: number): number {
    return this.columns.start[i] as number;
  }

  /** Behind the padding, in bytes from the start of the layer; the layer may end before, inside the padding. */
  end(i: number): number {
    return this.columns.end[i] as number;
  }

  /** Of the entry's own header, in bytes from the start of the layer. */
  headerOffset(i: number): number {
    return this.start(i) + (this.columns.headerLength[i] as number);
  }

  /** Of the contents, in bytes from the start of the layer. */
  dataOffset(i: number): number {
    return this.start(i) + (this.columns.dataLength[i] as number);
  }

  /** Of the contents, in bytes: of a sparse file with its holes. */
  size(i: number): number {
    return this.columns.size[i] as number;
  }

  metadata(i: number): Metadata {
    const { mode, uid, gid, mtime, mtimeNanos } = this.columns;
    return {
      mode: mode[i] as number,
      uid: uid[i] as number,
      gid: gid[i] as number,
      mtime: mtime[i] as number,
      mtimeNanos: mtimeNanos[i] as number,
    };
  }
}
