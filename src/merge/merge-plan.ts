import { requireThat } from '../check-options.js';
import { entryView, textOf } from '../layer/entries.js';
import type { IndexedLayer, LayerIndex } from '../layer/layer-index.js';
import { hiddenReasonOf } from './explain.js';
import type { HiddenEntry, Plan, PlanColumns, PlanEntry } from './plan.js';

/** The plan made by `mergeLayers`: views of the columns that the later stages use. */
class MergePlan implements Plan {
  readonly columns: PlanColumns;

  constructor(columns: PlanColumns) {
    this.columns = columns;
  }

  get layers(): readonly LayerIndex[] {
    return this.columns.layers;
  }

  get length(): number {
    return this.columns.length;
  }

  get excluded(): number {
    return this.columns.excluded;
  }

  *survivors(): Generator<PlanEntry, void, void> {
    for (let item = 0; item < this.length; item++) yield this.#survivor(item);
  }

  *hidden(): Generator<HiddenEntry, void, void> {
    for (const ref of this.columns.hiddenRefs()) {
      const { entries } = this.columns.layers[ref.layer] as IndexedLayer;
      const by = ref.by && { path: textOf(ref.by.path), layer: ref.by.layer };
      yield {
        ...entryView(entries, ref.entry),
        layer: ref.layer,
        reason: hiddenReasonOf(this.columns, ref),
        ...(by && { by }),
      };
    }
  }

  /**
   * An entry as it is in the output: with its final path, and with the metadata set by later hard links of its inode.
   */
  #survivor(item: number): PlanEntry {
    const { layers, changes, layer: from, entry } = this.columns;
    const layer = from[item] as number;
    const index = entry[item] as number;
    const change = changes.get(item);
    const pathBytes = change?.path;
    const path = pathBytes && { path: textOf(pathBytes), pathBytes };
    if (index < 0) return { ...MADE_DIRECTORY, ...path, layer };
    const view = entryView((layers[layer] as IndexedLayer).entries, index);
    const link = change?.link && {
      type: 'hard link' as const,
      size: 0,
      link: textOf(change.link),
      linkBytes: change.link,
    };
    return { ...view, ...path, ...change?.metadata, ...link, layer };
  }
}

const MADE_DIRECTORY = {
  index: -1,
  path: '',
  pathBytes: new Uint8Array(0),
  type: 'directory',
  size: 0,
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtime: 0,
  mtimeNanos: 0,
} as const;

/** The plan that `mergeLayers` returns. */
export function planOf(columns: PlanColumns): Plan {
  return new MergePlan(columns);
}

/** The columns of a plan that a caller passes. @throws DIMGX_OPTION_INVALID unless `mergeLayers` made the plan */
export function planColumns(plan: Plan): PlanColumns {
  requireThat(plan instanceof MergePlan, 'the plan', 'a plan from mergeLayers', plan);
  return (plan as MergePlan).columns;
}

/** The number of entries of each layer that are in the output. */
export function writtenByLayer(plan: Plan): readonly number[] {
  const { layers, length, layer, entry } = planColumns(plan);
  const written = new Array<number>(layers.length).fill(0);
  for (let item = 0; item < length; item++) {
    if ((entry[item] as number) >= 0) (written[layer[item] as number] as number)++;
  }
  return written;
}
