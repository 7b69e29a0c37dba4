import { inputWarner } from '../errors.js';
import { limitsOf } from '../image/limits.js';
import { printable } from '../image/printable.js';
import type { LayerIndex } from '../inspect/layer-index.js';
import { mergeLayers } from '../merge/merge-layers.js';
import type { HiddenEntry, Plan } from '../merge/plan.js';
import { markerOf } from '../merge/whiteout.js';
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
  const { maxEntries } = limitsOf(options.limits);
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
  return { action: 'write', path: printable(path), layer: layer.name };
}

function tellHidden(plan: Plan, onEntry: (event: EntryEvent) => void): void {
  for (const hidden of plan.hidden) {
    const { layer, entries } = plan.layers[hidden.layer] as LayerIndex;
    const path = entries.path(hidden.entry);
    onEntry({ action: 'skip', path: printable(path), layer: layer.name, reason: reasonOf(plan, hidden, path) });
  }
}

function reasonOf({ layers }: Plan, { by }: HiddenEntry, path: Uint8Array): string {
  if (by) return `hidden by ${by.how} of "${printable(by.path)}" in "${(layers[by.layer] as LayerIndex).layer.name}"`;
  return markerOf(path, 0, path.length) === 'none' ? 'as it is not part of the tree' : 'which only removes others';
}
