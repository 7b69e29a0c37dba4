import type { Metadata } from '../tar/entry.js';
import { type DeviceNumbers, type Entries, type EntryView, entryView } from './entries.js';

/**
 * The columns of a table: typed arrays that can be transferred to another thread. Measured: one object per entry takes
 * 564 bytes; the columns take 67 bytes plus the names.
 */
export interface EntryColumns {
  readonly length: number;
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** In bytes. For a sparse file: the expanded size. */
  readonly size: Float64Array;
  /** Distance from `start` to the entry's own header, and to its contents, in bytes. */
  readonly headerLength: Uint32Array;
  readonly dataLength: Uint32Array;
  /**
   * Entry `i` has its cleaned path at `[nameEnd[i-1], linkStart[i])` of `names`, and its link from there to
   * `nameEnd[i]`. A device has its numbers there: eight bytes.
   */
  readonly linkStart: Uint32Array;
  readonly nameEnd: Uint32Array;
  readonly names: Uint8Array;
  readonly type: Uint8Array;
  readonly flags: Uint32Array;
  readonly mode: Uint16Array;
  readonly uid: Float64Array;
  readonly gid: Float64Array;
  readonly mtime: Float64Array;
  readonly mtimeNanos: Uint32Array;
}

/** Bits of a flag word. Its low 16 bits are those of `QUIRK`. */
export const FLAG = {
  /** The stored name differs from the name to write. */
  name: 1 << 16,
  /** The stored hard-link target differs from the target to write. */
  link: 1 << 17,
  /** The entry is a device 0:0. */
  nullDevice: 1 << 18,
  /** The stored name begins with `./`. */
  dotted: 1 << 19,
  /** A hard link with xattrs, which belong to its inode. */
  linkXattrs: 1 << 20,
} as const;

/** The entries of a layer, numbered from 0 in stored order. */
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

  /** A value of `TYPE`. */
  type(i: number): number {
    return this.columns.type[i] as number;
  }

  /** Bits of `QUIRK` and `FLAG`. */
  flags(i: number): number {
    return this.columns.flags[i] as number;
  }

  /** Cleaned path, relative to the root; empty for the root. A view. */
  path(i: number): Uint8Array {
    return this.columns.names.subarray(this.pathStart(i), this.columns.linkStart[i]);
  }

  pathStart(i: number): number {
    return i === 0 ? 0 : (this.columns.nameEnd[i - 1] as number);
  }

  pathEnd(i: number): number {
    return this.columns.linkStart[i] as number;
  }

  /** Target of a hard link, cleaned; target of a symlink, as stored. A view. */
  link(i: number): Uint8Array {
    return this.columns.names.subarray(this.columns.linkStart[i], this.columns.nameEnd[i]);
  }

  /** Numbers of a character or block device. */
  device(i: number): DeviceNumbers {
    const { names, linkStart } = this.columns;
    const numbers = new DataView(names.buffer, names.byteOffset + (linkStart[i] as number), 8);
    return { major: numbers.getUint32(0), minor: numbers.getUint32(4) };
  }

  /** Offset of the first header block in the layer, in bytes. */
  start(i: number): number {
    return this.columns.start[i] as number;
  }

  /** Offset after the padding, in bytes. The layer may end earlier, inside the padding. */
  end(i: number): number {
    return this.columns.end[i] as number;
  }

  /** Offset of the entry's own header in the layer, in bytes. */
  headerOffset(i: number): number {
    return this.start(i) + (this.columns.headerLength[i] as number);
  }

  /** The first entry whose own header lies at an offset in the layer or after it; `length` if there is none. */
  firstFrom(offset: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.headerOffset(middle) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Offset of the contents in the layer, in bytes. */
  dataOffset(i: number): number {
    return this.start(i) + (this.columns.dataLength[i] as number);
  }

  /** Size of the contents, in bytes. Includes the holes of a sparse file. */
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
