import { inputWarner } from '../errors.js';
import { DEFAULT_LIMITS } from '../image/limits.js';
import type { LayerIndex } from '../inspect/layer-index.js';
import { mergeLayers } from '../merge/merge-layers.js';
import type { Plan } from '../merge/plan.js';
import { shownPath } from '../merge/tally.js';
import type { EntryEvent, ExtractOptions } from '../options.js';
import { TarAssembler } from './assembler.js';

/** An output that is ready to be read. */
export interface Extraction {
  readonly plan: Plan;
  readonly assembler: TarAssembler;
  /** Of the tar, in bytes, but for headers that are rewritten. */
  readonly size: number;
}

/**
 * Merges layers and opens their output.
 *
 * @param layers earlier ones win over later ones
 * @throws DIMGX_MERGE_*, DIMGX_INSPECT_TOO_MANY_ENTRIES
 */
export function openExtraction(layers: readonly LayerIndex[], options: ExtractOptions): Extraction {
  const { onEntry, signal } = options;
  const maxEntries = options.limits?.maxEntries ?? DEFAULT_LIMITS.maxEntries;
  const plan = mergeLayers(layers, { onWarning: inputWarner(options), explain: onEntry !== undefined, maxEntries });
  if (onEntry) tellHidden(plan, onEntry);
  const onItem = onEntry && ((item: number) => onEntry(written(plan, item)));
  return { plan, assembler: new TarAssembler(plan, { signal, onItem }), size: sizeOf(plan) };
}

function sizeOf(plan: Plan): number {
  let size = 0;
  for (let item = 0; item < plan.length; item++) {
    const entry = plan.entry[item] as number;
    const { entries } = plan.layers[plan.layer[item] as number] as LayerIndex;
    if (entry >= 0) size += entries.end(entry) - entries.start(entry);
  }
  return size;
}

function written(plan: Plan, item: number): EntryEvent {
  const { layer, entries } = plan.layers[plan.layer[item] as number] as LayerIndex;
  const path = plan.changes.get(item)?.path ?? entries.path(plan.entry[item] as number);
  return { action: 'write', path: shownPath(path), layer: layer.name };
}

function tellHidden(plan: Plan, onEntry: (event: EntryEvent) => void): void {
  for (const { layer, entry, by } of plan.hidden) {
    const index = plan.layers[layer] as LayerIndex;
    const reason =
      by && `hidden by ${by.how} of "${shownPath(by.path)}" in "${(plan.layers[by.layer] as LayerIndex).layer.name}"`;
    onEntry({
      action: 'skip',
      path: shownPath(index.entries.path(entry)),
      layer: index.layer.name,
      reason: reason ?? 'as not part of the tree',
    });
  }
}
