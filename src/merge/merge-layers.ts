import { guardCallbacks } from '../base/call/call.js';
import { limitsOf } from '../base/limits.js';
import { quoted } from '../base/text/printable.js';
import { checkOptions } from '../check-options.js';
import { inputWarner, type Warn, type Warning } from '../errors.js';
import { type IndexedLayer, indexedLayers, type LayerIndex } from '../layer/layer-index.js';
import type { MergeOptions } from '../options.js';
import { ofLayer, WarningTally } from '../warning-tally.js';
import { applyLayer } from './apply-layer.js';
import { hiddenEvents } from './explain.js';
import { hiddenEntries } from './hidden-entries.js';
import { planOf } from './merge-plan.js';
import type { MergedTree } from './merged-tree.js';
import { NONE, type Node } from './node.js';
import { orderItems } from './order.js';
import { PathFilter } from './path-filter.js';
import type { HiddenRef, Plan, PlanColumns } from './plan.js';
import { Removals } from './removals.js';
import { Tree } from './tree.js';
import { FollowBudget } from './walk.js';

/**
 * Decides which entries survive when layers are stacked, which layer each comes from, and why the rest are hidden.
 * Reads and writes nothing.
 *
 * @param layers earlier ones win over later ones, in the order `inspectLayers` returns them; newest first gives the
 *   tree that a container would see
 * @throws DIMGX_ENTRY_BAD_LINK, DIMGX_ENTRY_BAD_PARENT, DIMGX_LAYER_BAD_ROOT, DIMGX_LIMIT_ENTRIES,
 *   a warning's code with `strictInput`, DIMGX_CALLBACK_FAILED, DIMGX_OPTION_INVALID
 */
export function mergeLayers(layers: readonly LayerIndex[], options: MergeOptions = {}): Plan {
  checkOptions(options);
  const callbacks = guardCallbacks(options, () => {});
  const columns = planLayers(indexedLayers(layers), {
    onWarning: inputWarner({ ...options, ...callbacks }),
    explain: (options.explain ?? false) || callbacks.onEntry !== undefined,
    maxEntries: limitsOf(options.limits).maxEntries,
    excludeDevices: options.excludeDevices ?? false,
    filter: options.paths && new PathFilter(options.paths),
    onUnused: (pattern) => callbacks.onWarning?.(unusedPattern(pattern)),
  });
  if (columns.excluded > 0) callbacks.onWarning?.(devicesExcluded(columns.excluded));
  if (callbacks.onEntry) for (const event of hiddenEvents(columns)) callbacks.onEntry(event);
  return planOf(columns);
}

interface Settings {
  readonly onWarning: Warn;
  readonly explain: boolean;
  readonly maxEntries: number;
  readonly excludeDevices: boolean;
  readonly filter: PathFilter | undefined;
  /** Gets each pattern of the filter that fits no path. */
  readonly onUnused: (pattern: string) => void;
}

function planLayers(layers: readonly IndexedLayer[], options: Settings): PlanColumns {
  const oldestFirst = layers.toReversed();
  const count = layers.reduce((sum, { entries }) => sum + entries.length, 0);
  const tree = new Tree(count, options.maxEntries);
  const removals = new Removals();
  const onHidden = options.explain ? removals.add.bind(removals) : undefined;
  const follows = new FollowBudget();
  const context = { tree, layers: oldestFirst, lenient: !isWhole(oldestFirst), follows, onHidden };
  const made: number[] = [];
  const nodes = oldestFirst.map(({ layer }, number) => {
    const tally = new WarningTally();
    const applied = applyLayer({ ...context, tally }, number);
    made.push(tree.length);
    for (const warning of tally.warnings()) options.onWarning(ofLayer(layer.name, warning));
    return applied;
  });
  removals.trim();
  const alive = tree.survivors();
  const successors = options.explain ? removals.successors() : undefined;
  const { leftOut = [], unused = [], wanted } = options.filter?.apply(tree, alive, successors) ?? {};
  for (const pattern of unused) options.onUnused(pattern);
  const { excludeDevices } = options;
  const { layer, entry, node, changes, dotted, excluded } = orderItems(tree, oldestFirst, alive, excludeDevices);
  const newestFirst = (number: number) => layers.length - 1 - Math.max(0, number);
  function* excludedRefs(nodes: readonly Node[], excludedAs: NonNullable<HiddenRef['excludedAs']>) {
    for (const node of nodes) {
      const ref = tree.ref(node);
      if (ref.entry !== NONE) yield { layer: newestFirst(ref.layer), entry: ref.entry, excludedAs };
    }
  }
  const merged: MergedTree = {
    layers: oldestFirst,
    tree,
    nodes,
    made,
    removals,
    excludeDevices,
    ...(wanted && { wanted }),
  };
  return {
    layers,
    length: entry.length,
    layer: layer.toArray().map(newestFirst),
    entry: entry.toArray(),
    changes,
    dotted,
    excluded: excluded.length,
    node: node.view(),
    ...(options.explain && { merged }),
    *hiddenRefs() {
      if (!options.explain) return;
      yield* hiddenEntries(merged, newestFirst);
      yield* excludedRefs(excluded, 'device');
      yield* excludedRefs(leftOut, 'path');
    },
  };
}

/** Whether all layers of the image are present and in order. */
function isWhole(oldestFirst: readonly IndexedLayer[]): boolean {
  return oldestFirst.every(({ place }, i) => place.position === i && place.of === oldestFirst.length);
}

/** A pattern that fits nothing is often misspelt. It is no oddity of the image, either. */
function unusedPattern(pattern: string): Warning {
  const message = `the pattern ${quoted(pattern)} fits no path of the tree`;
  return { code: 'DIMGX_PATH_UNMATCHED', message, count: 1 };
}

/** Reports what the caller asked for. It is not an oddity of the image, so `strictInput` must not reject it. */
function devicesExcluded(count: number): Warning {
  const message = `${count} ${count === 1 ? 'device is' : 'devices are'} left out, as asked`;
  return { code: 'DIMGX_ENTRY_DEVICES_EXCLUDED', message, count: 1 };
}
