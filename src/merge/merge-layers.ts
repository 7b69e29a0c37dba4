import type { Warn } from '../errors.js';
import { DEFAULT_LIMITS } from '../image/limits.js';
import type { LayerIndex } from '../inspect/layer-index.js';
import { ofLayer, WarningTally } from '../warning-tally.js';
import { applyLayer } from './apply-layer.js';
import { FollowBudget } from './follow-budget.js';
import { HiddenEntries } from './hidden-entries.js';
import { orderItems } from './order.js';
import type { HiddenEntry, Plan } from './plan.js';
import { Tree } from './tree.js';

export interface MergeOptions {
  readonly onWarning?: Warn | undefined;
  /** Also tell which entries are hidden, and by what. Default false. */
  readonly explain?: boolean;
  /** Leave out character and block devices. Default false. */
  readonly excludeDevices?: boolean | undefined;
  /** Files and directories at most. */
  readonly maxEntries?: number;
}

/**
 * Decides what survives of layers that lie on one another. No I/O.
 *
 * @param layers earlier ones win over later ones: newest first for the tree that a container would see
 * @throws DIMGX_MERGE_BAD_LINK, DIMGX_MERGE_BAD_PARENT, DIMGX_MERGE_BAD_ROOT, DIMGX_INSPECT_TOO_MANY_ENTRIES
 */
export function mergeLayers(layers: readonly LayerIndex[], options: MergeOptions = {}): Plan {
  const oldestFirst = layers.toReversed();
  const count = layers.reduce((sum, { entries }) => sum + entries.length, 0);
  const tree = new Tree(count, options.maxEntries ?? DEFAULT_LIMITS.maxEntries);
  const hidden = options.explain ? new HiddenEntries(tree, oldestFirst) : undefined;
  const follows = new FollowBudget();
  const context = { tree, layers: oldestFirst, lenient: !isWhole(oldestFirst), follows, onHidden: hidden?.note };
  const nodes = oldestFirst.map(({ layer }, number) => {
    const tally = new WarningTally();
    const applied = applyLayer({ ...context, tally }, number);
    for (const warning of tally.warnings()) options.onWarning?.(ofLayer(layer.name, warning));
    return applied;
  });
  const { excludeDevices = false } = options;
  const { layer, entry, changes, dotted, excluded } = orderItems(tree, oldestFirst, nodes, excludeDevices);
  const newestFirst = (number: number) => layers.length - 1 - Math.max(0, number);
  const excludedEntries = excluded.map((node): HiddenEntry => {
    const ref = tree.ref(node);
    return { layer: newestFirst(ref.layer), entry: ref.entry, isExcluded: true };
  });
  return {
    layers,
    length: entry.length,
    layer: layer.toArray().map(newestFirst),
    entry: entry.toArray(),
    changes,
    dotted,
    excluded: excluded.length,
    hidden: hidden ? hidden.list(nodes, newestFirst).concat(excludedEntries) : [],
  };
}

/** All layers of the image are there, in their order. */
function isWhole(oldestFirst: readonly LayerIndex[]): boolean {
  return oldestFirst.every(({ place }, i) => place.position === i && place.of === oldestFirst.length);
}
