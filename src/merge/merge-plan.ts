import { requireThat } from '../base/call/check-options.js';
import { entryView, textOf } from '../layer/entries.js';
import type { IndexedLayer } from '../layer/layer-index.js';
import { reasonOf } from './explain.js';
import type { Changes, HiddenEntry, HiddenRef, Plan, PlanColumns, PlanEntry } from './plan.js';

/** The plan made by `mergeLayers`: columns for the later stages, views for the caller. */
export class MergePlan implements Plan, PlanColumns {
  readonly layers: readonly IndexedLayer[];
  readonly length: number;
  readonly layer: Int32Array;
  readonly entry: Int32Array;
  readonly dotted: boolean;
  readonly changes: Changes;
  readonly excluded: number;
  readonly hiddenRefs: readonly HiddenRef[];

  constructor(columns: PlanColumns) {
    this.layers = columns.layers;
    this.length = columns.length;
    this.layer = columns.layer;
    this.entry = columns.entry;
    this.dotted = columns.dotted;
    this.changes = columns.changes;
    this.excluded = columns.excluded;
    this.hiddenRefs = columns.hiddenRefs;
  }

  *survivors(): Generator<PlanEntry, void, void> {
    for (let item = 0; item < this.length; item++) yield this.#survivor(item);
  }

  *hidden(): Generator<HiddenEntry, void, void> {
    for (const ref of this.hiddenRefs) {
      const { entries } = this.layers[ref.layer] as IndexedLayer;
      const by = ref.by && { path: textOf(ref.by.path), layer: ref.by.layer };
      yield { ...entryView(entries, ref.entry), layer: ref.layer, reason: reasonOf(this, ref), ...(by && { by }) };
    }
  }

  /**
   * An entry as it is in the output: with its final path, and with the metadata set by later hard links of its inode.
   */
  #survivor(item: number): PlanEntry {
    const layer = this.layer[item] as number;
    const index = this.entry[item] as number;
    const change = this.changes.get(item);
    const pathBytes = change?.path;
    const path = pathBytes && { path: textOf(pathBytes), pathBytes };
    if (index < 0) return { ...MADE_DIRECTORY, ...path, layer };
    const view = entryView((this.layers[layer] as IndexedLayer).entries, index);
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

/** Checks that a plan passed by a caller was made by `mergeLayers`. @throws DIMGX_CLI_USAGE */
export function mergePlan(plan: Plan): MergePlan {
  requireThat(plan instanceof MergePlan, 'the plan', 'one that mergeLayers gave', plan);
  return plan as MergePlan;
}

/** The number of entries of each layer that are in the output. */
export function writtenByLayer(plan: Plan): readonly number[] {
  const { layers, length, layer, entry } = mergePlan(plan);
  const written = new Array<number>(layers.length).fill(0);
  for (let item = 0; item < length; item++) {
    if ((entry[item] as number) >= 0) (written[layer[item] as number] as number)++;
  }
  return written;
}
