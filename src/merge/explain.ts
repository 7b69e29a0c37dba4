import { printable } from '../base/text/printable.js';
import type { IndexedLayer } from '../layer/layer-index.js';
import type { EntryEvent } from '../options.js';
import type { HiddenReason, HiddenRef, How, PlanColumns } from './plan.js';
import { markerOf } from './whiteout.js';

const REASONS: Readonly<Record<How, HiddenReason>> = {
  removal: 'removed',
  replacement: 'replaced',
  opaque: 'opaque',
  leftover: 'outside',
};

export function hiddenReasonOf(
  { layers }: Pick<PlanColumns, 'layers'>,
  { layer, entry, by, excludedAs }: HiddenRef,
): HiddenReason {
  if (excludedAs) return 'excluded';
  if (by) return REASONS[by.how];
  const path = (layers[layer] as IndexedLayer).entries.path(entry);
  return markerOf(path, 0, path.length) === 'none' ? 'outside' : 'marker';
}

/** Log events for the entries that are not in the output. */
export function* hiddenEvents(plan: PlanColumns): Generator<EntryEvent, void, void> {
  for (const ref of plan.hiddenRefs()) {
    const { layer, entries } = plan.layers[ref.layer] as IndexedLayer;
    const { mode, mtime } = entries.metadata(ref.entry);
    const path = printable(entries.path(ref.entry));
    const reason = explanation(plan, ref);
    yield { action: 'skip', path, layer: layer.name, reason, size: entries.size(ref.entry), mode, mtime };
  }
}

/** Log event for an entry of the output. @param item number of the item in the plan */
export function writtenEvent(plan: PlanColumns, item: number): EntryEvent {
  const { layer, entries } = plan.layers[plan.layer[item] as number] as IndexedLayer;
  const entry = plan.entry[item] as number;
  const change = plan.changes.get(item);
  const path = printable(change?.path ?? entries.path(entry));
  if (entry < 0) return { action: 'write', path, layer: layer.name, size: 0, mode: 0o755, mtime: 0 };
  const { mode, mtime } = change?.metadata ?? entries.metadata(entry);
  const size = change?.link ? 0 : entries.size(entry);
  return { action: 'write', path, layer: layer.name, size, mode, mtime };
}

/** The reason, worded to follow "skipping PATH". */
function explanation(plan: PlanColumns, ref: HiddenRef): string {
  const { by, excludedAs } = ref;
  if (by) return `hidden by ${by.how} of "${printable(by.path)}" in "${plan.layers[by.layer]?.layer.name}"`;
  if (excludedAs) return excludedAs === 'device' ? 'as devices are left out' : 'as its path is not asked for';
  return hiddenReasonOf(plan, ref) === 'marker' ? 'which only removes others' : 'as it is not part of the tree';
}
