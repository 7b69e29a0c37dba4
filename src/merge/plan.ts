import type { EntryView } from '../layer/entries.js';
import type { IndexedLayer, LayerIndex } from '../layer/layer-index.js';
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

/** An entry that stands in the output. */
export interface PlanEntry extends EntryView {
  /** The number in `layers` of the layer that it comes from. */
  readonly layer: number;
  /** Its number in that layer; -1 for a directory that no entry describes, and that must be made. */
  readonly index: number;
}

/**
 * Why an entry is not in the output. `removed`: by a whiteout of its path or of a directory above. `replaced`: by another entry
 * of the path, or of a path above that is no directory. `opaque`: an opaque marker hides what older layers have in a directory.
 * `excluded`: devices are left out. `marker`: it only removes others. `outside`: it is no part of the tree.
 */
export type HiddenReason = 'removed' | 'replaced' | 'opaque' | 'excluded' | 'marker' | 'outside';

/** An entry of a layer that does not stand in the output. */
export interface HiddenEntry extends EntryView {
  /** The number in `layers` of its layer. */
  readonly layer: number;
  readonly reason: HiddenReason;
  /** The entry that hides it: its path, and the number of its layer. Absent where the reason needs none. */
  readonly by?: { readonly path: string; readonly layer: number };
}

/** What survives of layers that lie on one another, and what does not, and why. Made by `mergeLayers`. */
export interface Plan {
  /** In the order of the selection: earlier wins. */
  readonly layers: readonly LayerIndex[];
  /** How many entries stand in the output. */
  readonly length: number;
  /** How many names of devices are left out, where that was asked for. */
  readonly excluded: number;
  /** The entries of the output, in its order. Each view is made when it is asked for. */
  survivors(): Iterable<PlanEntry>;
  /** The entries of the layers that are not in the output, oldest layer last; none unless `explain` was asked for. */
  hidden(): Iterable<HiddenEntry>;
}

/** A plan in columns: which entries to copy, which headers to rewrite, which directories to make. */
export interface PlanColumns {
  readonly layers: readonly IndexedLayer[];
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
  readonly hiddenRefs: readonly HiddenRef[];
}

/** Why an entry of a layer is not in the output. */
export interface HiddenRef {
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
