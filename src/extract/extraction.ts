import { inputWarner, type Warning } from '../errors.js';
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
  const { onEntry, signal, excludeDevices } = options;
  const { maxEntries } = limitsOf(options.limits);
  const plan = mergeLayers(layers, {
    onWarning: inputWarner(options),
    explain: onEntry !== undefined,
    maxEntries,
    excludeDevices,
  });
  if (plan.excluded > 0) options.onWarning?.(devicesExcluded(plan.excluded));
  if (onEntry) tellHidden(plan, onEntry);
  const onItem = onEntry && ((item: number) => onEntry(written(plan, item)));
  return { plan, assembler: new TarAssembler(plan, { signal, onItem }), size: sizeOf(plan) };
}

/** A note about what was asked for: it is no oddity of the image, which `strictInput` would refuse. */
function devicesExcluded(count: number): Warning {
  const message = `${count} ${count === 1 ? 'device is' : 'devices are'} left out, as asked`;
  return { code: 'DIMGX_MERGE_DEVICES_EXCLUDED', message, count: 1 };
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
  const entry = plan.entry[item] as number;
  const change = plan.changes.get(item);
  const path = printable(change?.path ?? entries.path(entry));
  if (entry < 0) return { action: 'write', path, layer: layer.name, size: 0, mode: 0o755, mtime: 0 };
  const { mode, mtime } = change?.metadata ?? entries.metadata(entry);
  const size = change?.link ? 0 : entries.size(entry);
  return { action: 'write', path, layer: layer.name, size, mode, mtime };
}

function tellHidden(plan: Plan, onEntry: (event: EntryEvent) => void): void {
  for (const hidden of plan.hidden) {
    const { layer, entries } = plan.layers[hidden.layer] as LayerIndex;
    const path = entries.path(hidden.entry);
    const { mode, mtime } = entries.metadata(hidden.entry);
    const facts = { size: entries.size(hidden.entry), mode, mtime };
    onEntry({
      action: 'skip',
      path: printable(path),
      layer: layer.name,
      reason: reasonOf(plan, hidden, path),
      ...facts,
    });
  }
}

function reasonOf({ layers }: Plan, { by, isExcluded }: HiddenEntry, path: Uint8Array): string {
  if (isExcluded) return 'as devices are left out';
  if (by) return `hidden by ${by.how} of "${printable(by.path)}" in "${(layers[by.layer] as LayerIndex).layer.name}"`;
  return markerOf(path, 0, path.length) === 'none' ? 'as it is not part of the tree' : 'which only removes others';
}
