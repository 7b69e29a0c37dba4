import type { EntryView } from '../layer/entries.js';
import type { IndexedLayer, LayerIndex } from '../layer/layer-index.js';
import type { Metadata } from '../tar/entry.js';
import type { MergedTree } from './merged-tree.js';

/** How an item of the output differs from the entry it is copied from. */
export interface HeaderChange {
  /** Path from the root, without a slash at either end; empty for the root. */
  readonly path: Uint8Array;
  /** Path from the root that the item is a hard link to. The item then has no contents, whatever the entry is. */
  readonly link?: Uint8Array;
  /** Owner, permissions and time, if a later hard link of the inode changed them. */
  readonly metadata?: Metadata;
  /**
   * Later hard links of the inode, whose xattrs are added to its own; the last one wins. Numbers are indexes in
   * `layers` and in the layer's entries.
   */
  readonly xattrsOf?: readonly { readonly layer: number; readonly entry: number }[];
}

/** Header changes of a plan, by item number. */
export interface Changes {
  /** Number of items that have a change. */
  readonly size: number;
  has(item: number): boolean;
  /** Whether the item becomes a hard link without contents. */
  isLink(item: number): boolean;
  /** `HeaderChange.xattrsOf`, without the rest of the change; empty if there are none. */
  xattrsOf(item: number): NonNullable<HeaderChange['xattrsOf']>;
  get(item: number): HeaderChange | undefined;
}

/** An entry of the output. */
export interface PlanEntry extends EntryView {
  /** Index in `layers` of the layer it comes from. */
  readonly layer: number;
  /** Its number in that layer; -1 for a directory that has no entry and must be made. */
  readonly index: number;
}

/**
 * Why an entry is not in the output.
 * - `removed`: by a whiteout of its path or of a directory above it.
 * - `replaced`: by another entry with its path, or by a non-directory at a path above it.
 * - `opaque`: an opaque marker hides what older layers have in a directory.
 * - `excluded`: it is a device, or has a path, that the caller does not want.
 * - `marker`: the entry only removes others.
 * - `outside`: the entry is not part of the tree.
 */
export type HiddenReason = 'removed' | 'replaced' | 'opaque' | 'excluded' | 'marker' | 'outside';

/** An entry of a layer that is not in the output. */
export interface HiddenEntry extends EntryView {
  /** Index in `layers` of its layer. */
  readonly layer: number;
  readonly reason: HiddenReason;
  /** The entry that hides it: its path, and the index of its layer. Absent if the reason needs none. */
  readonly by?: { readonly path: string; readonly layer: number };
}

/** Which entries of a stack of layers survive, which do not, and why. Made by `mergeLayers`. */
export interface Plan {
  /** In the order of the selection: earlier layers win. */
  readonly layers: readonly LayerIndex[];
  /** Number of entries in the output. */
  readonly length: number;
  /** Number of device names left out, if `excludeDevices` is set. */
  readonly excluded: number;
  /** The entries of the output, in order. Views are created one at a time. */
  survivors(): Iterable<PlanEntry>;
  /** The entries that are not in the output, oldest layer last. Empty unless `explain` is set. */
  hidden(): Iterable<HiddenEntry>;
}

/** A plan in columns: which entries to copy, which headers to rewrite, which directories to make. */
export interface PlanColumns {
  readonly layers: readonly IndexedLayer[];
  /** Number of items. */
  readonly length: number;
  /** For each item, the index in `layers` of the layer it comes from. */
  readonly layer: Int32Array;
  /** For each item, the number of its entry in that layer; -1 for a directory to be made. */
  readonly entry: Int32Array;
  /**
   * Whether names in the output begin with `./`. They do if most surviving names do, or if a name would otherwise begin
   * with a drive letter or a backslash, which bsdtar strips. All names are alike, because extractors compare them.
   */
  readonly dotted: boolean;
  /** Header changes. An item without one is copied exactly as stored. */
  readonly changes: Changes;
  /** Number of device names left out, if `excludeDevices` is set. */
  readonly excluded: number;
  /** The entries that are not in the output, if reasons were requested; else none. */
  hiddenRefs(): Iterable<HiddenRef>;
  /** For each item, its node in the merged tree. */
  readonly node: Int32Array;
  /** The whole tree with all that is hidden, if reasons were requested. */
  readonly merged?: MergedTree;
}

/** An entry that is not in the output, and why. */
export interface HiddenRef {
  /** Index in `layers`, and number in the layer's entries. */
  readonly layer: number;
  readonly entry: number;
  /** What hid it: the path of an entry, the index of its layer, and how. */
  readonly by?: { readonly path: Uint8Array; readonly layer: number; readonly how: How };
  /** What the caller does not want: devices, or paths like this one. */
  readonly excludedAs?: 'device' | 'path';
}

/**
 * By a whiteout, by another entry with the same path, by the opaque marker of a directory above, or because AUFS left
 * it at the root of a layer.
 */
export type How = 'removal' | 'replacement' | 'opaque' | 'leftover';
