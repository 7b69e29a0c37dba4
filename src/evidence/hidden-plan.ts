import { planOf } from '../merge/merge-plan.js';
import { itemsElsewhere } from '../merge/order.js';
import type { Plan } from '../merge/plan.js';
import { HiddenPaths } from './hidden-paths.js';
import type { Versions } from './versions.js';

/**
 * The plan of a tar of all hidden versions, in the order of `HiddenPaths`. Hidden names of one file are linked, and a file
 * that also has names in the output is copied.
 */
export function hiddenPlan(versions: Versions, paths = new HiddenPaths(versions)): Plan {
  const { merged } = versions;
  const layers = merged.layers.toReversed();
  const { layer, entry, changes } = itemsElsewhere(merged.tree, merged.layers, paths.nodes, paths.of);
  const newestFirst = (number: number) => layers.length - 1 - number;
  return planOf({
    layers,
    length: entry.length,
    layer: layer.toArray().map(newestFirst),
    entry: entry.toArray(),
    node: paths.nodes,
    changes,
    dotted: false,
    excluded: 0,
    hiddenRefs: () => [],
  });
}
