import type { IndexedLayer } from '../layer/layer-index.js';
import { writtenEvent } from '../merge/explain.js';
import { planColumns } from '../merge/merge-plan.js';
import type { Plan } from '../merge/plan.js';
import type { ExtractOptions } from '../options.js';
import { TarAssembler } from './assembler.js';

/** An output that is ready to be read. */
export interface Extraction {
  readonly assembler: TarAssembler;
  /** Approximate size of the tar, in bytes: that of its entries as stored, before headers are rewritten. */
  readonly size: number;
}

/** Opens the tar that a plan describes. */
export function openExtraction(plan: Plan, { onEntry, signal }: ExtractOptions): Extraction {
  const columns = planColumns(plan);
  const onItem = onEntry && ((item: number) => onEntry(writtenEvent(columns, item)));
  let size = 0;
  for (let item = 0; item < columns.length; item++) {
    const entry = columns.entry[item] as number;
    const { entries } = columns.layers[columns.layer[item] as number] as IndexedLayer;
    if (entry >= 0) size += entries.end(entry) - entries.start(entry);
  }
  return { assembler: new TarAssembler(columns, { signal, onItem }), size };
}
