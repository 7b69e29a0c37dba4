import type { LayerIndex } from '../inspect/layer-index.js';
import type { Metadata } from '../tar/entry.js';

/** How an item of the output differs from the entry it is copied from. */
export interface HeaderChange {
  /** From the root, without a slash at either end; empty for the root. */
  readonly path: Uint8Array;
  /** The item is a hard link to this path, from the root, and has no contents, whatever the entry is. */
  readonly link?: Uint8Array;
  /** Owner, permissions and time, where a later hard link of the inode set others. */
  readonly metadata?: Metadata;
  /**
   * Later hard links of the inode, whose xattrs count beside its own, the last one's most: numbers in `layers` and in the
   * layer's entries.
   */
  readonly xattrsOf?: readonly { readonly layer: number; readonly entry: number }[];
}

/** The changes of a plan, by number of the item. */
export interface Changes {
  /** How many items have one. */
  readonly size: number;
  has(item: number): boolean;
  /** Whether the item is made a hard link, and has no contents. */
  isLink(item: number): boolean;
  get(item: number): HeaderChange | undefined;
}

/** What survives, in output order: which entries to copy, which headers to rewrite, which directories to make. */
export interface Plan {
  /** In the order of the selection: earlier wins. */
  readonly layers: readonly LayerIndex[];
  /** Number of items. */
  readonly length: number;
  /** For each item the number in `layers` of the layer it comes from. */
  readonly layer: Int32Array;
  /** For each item the number of its entry in that layer; -1 for a directory to be made. */
  readonly entry: Int32Array;
  /**
   * Names in the output begin with `./`, because most that survive do, or because one would otherwise begin with a drive letter
   * or a backslash, which bsdtar takes off. All are alike, as extractors compare them.
   */
  readonly dotted: boolean;
  /** Items without a change are copied as they stand. */
  readonly changes: Changes;
  /** Names of devices that are left out, where that was asked for. */
  readonly excluded: number;
  /** Entries that are not in the output, where the reasons were asked for. */
  readonly hidden: readonly HiddenEntry[];
}

/** Why an entry of a layer is not in the output. */
export interface HiddenEntry {
  /** Numbers in `layers` and in the layer's entries. */
  readonly layer: number;
  readonly entry: number;
  /** What hid it: the path of an entry, and the number of its layer. */
  readonly by?: { readonly path: Uint8Array; readonly layer: number; readonly how: How };
  /** It is a device, and these are left out. */
  readonly isExcluded?: true;
}

/** A whiteout, another entry of that path, or the opaque marker of a directory above. */
export type How = 'removal' | 'replacement' | 'opaque';
