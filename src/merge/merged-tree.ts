import type { IndexedLayer } from '../layer/layer-index.js';
import type { Column } from './node.js';
import type { Removals } from './removals.js';
import type { Tree } from './tree.js';

/** What is left of a merge: every node that the layers ever made, and what became of it. */
export interface MergedTree {
  /** Oldest first. All layer numbers here count so. */
  readonly layers: readonly IndexedLayer[];
  readonly tree: Tree;
  /** For each layer and each of its entries, the node that the entry made or defined, or `NONE`. */
  readonly nodes: readonly Column[];
  /** For each layer, the number of nodes once it was applied. */
  readonly made: readonly number[];
  readonly removals: Removals;
  /** For each node, 1 if the paths that the caller wants include it, whether it is hidden or not. Absent: all are. */
  readonly wanted?: Uint8Array;
  /** Devices are not wanted. */
  readonly excludeDevices: boolean;
}
