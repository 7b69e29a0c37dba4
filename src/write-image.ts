import { readBuffer } from './base/io/region.js';
import { HiddenPaths } from './evidence/hidden-paths.js';
import { hiddenPlan } from './evidence/hidden-plan.js';
import { RecordedEntries } from './evidence/recorded-entries.js';
import type { RecordedEntry } from './evidence/recorded-entry.js';
import { type RecordOutput, RecordText } from './evidence/records/record-text.js';
import { Versions } from './evidence/versions.js';
import type { TarFiller } from './extract/assembler.js';
import { openExtraction } from './extract/extract-layers.js';
import type { EntryWatcher } from './extract/watch/hashed-entries.js';
import { planColumns, writtenByLayer } from './merge/merge-plan.js';
import type { Plan } from './merge/plan.js';
import type { ExtractOptions } from './options.js';

/** Takes a whole tar. @param onBytes called with the bytes of the tar since the last call; with 0 at the end */
export type TakeTar = (tar: TarFiller, onBytes: (bytes: number) => void) => Promise<number>;

/** What is made of an image in one run. */
export interface ImageOutputs {
  /** Absent: the tar is made for the records only. */
  readonly tar?: TakeTar | undefined;
  /** The tar of all hidden versions. */
  readonly hidden?: TakeTar | undefined;
  readonly records: readonly RecordOutput[];
}

export interface WriteImageOptions extends ExtractOptions {
  /** Called with the bytes of the tar since the last call, and its size as far as it is known. */
  readonly onBytes?: ((bytes: number, size: number) => void) | undefined;
}

/** What one layer contributed. */
export interface LayerCount {
  /** Number of the layer in its image, where 1 is the base. */
  readonly layer: number;
  readonly name: string;
  readonly digest?: string;
  readonly diffId?: string;
  /** Entries read. */
  readonly entries: number;
  /** Entries that ended up in the output. */
  readonly written: number;
  /** Hidden versions; absent without `records` and `hiddenTo`. */
  readonly hidden?: number;
}

/** What was written. */
export interface WrittenImage {
  /** Bytes of each tar, after compression; 0 for one that is not written. */
  readonly bytes: number;
  readonly hiddenBytes: number;
  /** What each layer contributed, in the order of the plan. */
  readonly layers: readonly LayerCount[];
}

/**
 * Writes the flat tar of a plan, the tar of its hidden versions, and records of what is in them. Records describe the
 * entries of the flat tar in its order, and then hidden versions in the order of theirs.
 *
 * @param plan made with `explain` if records or hidden versions are wanted
 * @throws as the stream of `extractLayers`, and what the outputs throw
 */
export async function writeImage(
  plan: Plan,
  { tar = intoNothing, hidden, records }: ImageOutputs,
  options: WriteImageOptions,
): Promise<WrittenImage> {
  const texts = records.map((record) => new RecordText(record));
  const versions = hidden || texts.length > 0 ? new Versions(plan) : undefined;
  const write = async (
    of: Plan,
    take: TakeTar,
    taking: readonly RecordText[],
    extract: ExtractOptions,
    paths?: HiddenPaths,
  ) => {
    const watchers = versions && taking.length > 0 ? [watcherOf(of, versions, taking, paths)] : [];
    const { assembler, size } = openExtraction(of, extract, watchers);
    return take(assembler, (bytes) => options.onBytes?.(bytes, size));
  };
  const bytes = await write(plan, tar, texts, options);
  const ofHidden = texts.filter(({ hasHidden }) => hasHidden);
  let hiddenBytes = 0;
  if (versions && (hidden || ofHidden.length > 0)) {
    const { signal, tmpDir } = options;
    const paths = new HiddenPaths(versions);
    const ofHiddenPlan = hiddenPlan(versions, paths);
    hiddenBytes = await write(ofHiddenPlan, hidden ?? intoNothing, ofHidden, { signal, tmpDir }, paths);
  }
  for (const text of texts) await text.end();
  return { bytes, hiddenBytes, layers: layerCounts(plan, versions) };
}

function layerCounts(plan: Plan, versions: Versions | undefined): readonly LayerCount[] {
  const written = writtenByLayer(plan);
  const hidden = versions && hiddenByLayer(versions);
  return plan.layers.map(({ layer, entries, place }, i) => ({
    layer: place.position + 1,
    name: layer.name,
    ...(layer.digest && { digest: layer.digest }),
    ...(layer.diffId && { diffId: layer.diffId }),
    entries: entries.length,
    written: written[i] as number,
    ...(hidden && { hidden: hidden[i] as number }),
  }));
}

/** In the order of the plan: newest first. */
function hiddenByLayer({ merged: { tree, layers }, hidden }: Versions): readonly number[] {
  const counts = new Array<number>(layers.length).fill(0);
  for (const node of hidden) (counts[layers.length - 1 - tree.layer(node)] as number)++;
  return counts;
}

function watcherOf(
  plan: Plan,
  versions: Versions,
  texts: readonly RecordText[],
  paths: HiddenPaths | undefined,
): EntryWatcher {
  const needsHashes = texts.some((text) => text.needsHashes);
  const onEntry = (entry: RecordedEntry) => {
    for (const text of texts) text.add(entry);
  };
  const flush = async () => {
    for (const text of texts) await text.flush();
  };
  return new RecordedEntries(planColumns(plan), versions, { needsHashes, onEntry, flush, paths });
}

/** Size of the buffer for a tar that is not kept, in bytes. */
const BUFFER = 4 * 1024 * 1024;

/** Makes a tar for those who watch it, and keeps nothing of it. */
async function intoNothing(tar: TarFiller, onBytes: (bytes: number) => void): Promise<number> {
  let [front, back] = [readBuffer(BUFFER), readBuffer(BUFFER)];
  try {
    for (let filled = await tar.fill(front, true); filled > 0; filled = await tar.fill(front, true)) {
      onBytes(filled);
      [front, back] = [back, front];
    }
    onBytes(0);
    return 0;
  } finally {
    await tar.close();
  }
}
