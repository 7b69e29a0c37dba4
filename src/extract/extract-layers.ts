import { Readable } from 'node:stream';
import { guardCallbacks } from '../base/call/call.js';
import { checkOptions } from '../check-options.js';
import type { DimgxError } from '../errors.js';
import type { IndexedLayer, LayerIndex } from '../layer/layer-index.js';
import { writtenEvent } from '../merge/explain.js';
import { mergeLayers } from '../merge/merge-layers.js';
import { planColumns } from '../merge/merge-plan.js';
import type { Plan } from '../merge/plan.js';
import type { ExtractOptions } from '../options.js';
import { TarAssembler, type TarFiller } from './assembler.js';
import { fillingStream } from './filling-stream.js';
import type { EntryWatcher } from './watch/hashed-entries.js';
import { TreeDigest } from './watch/tree-digest.js';
import { watchedTar } from './watch/watched-tar.js';

/**
 * Merges layers into one flat tar and returns it as a stream. The image must stay open until the stream ends; if it is
 * closed earlier, the stream fails with DIMGX_ABORTED at once.
 *
 * @param layers earlier ones win over later ones, in the order `inspectLayers` returns them; or the plan that
 *   `mergeLayers` made of them, for which `limits` and `excludeDevices` have already been applied
 * @returns a stream of bytes that fails with a `DimgxError`: DIMGX_OPTION_INVALID, DIMGX_CALLBACK_FAILED, a code of
 *   merge or extract, or what `LayerIndex.verified` rejects with. An abort fails it with DIMGX_ABORTED once it is read
 *   or has an error listener
 */
export function extractLayers(layers: readonly LayerIndex[] | Plan, options: ExtractOptions = {}): Readable {
  let end = (_failure: DimgxError): void => {};
  try {
    checkOptions(options);
    const callbacks = guardCallbacks(options, (failure) => end(failure));
    const stageOptions = { ...options, ...callbacks };
    const plan = isPlan(layers) ? layers : mergeLayers(layers, stageOptions);
    const { assembler, size } = openExtraction(plan, stageOptions);
    let done = 0;
    const onBytes = (bytes: number) => {
      done += bytes;
      callbacks.onProgress?.({ stage: 'extract', item: 'tar', done, total: bytes === 0 ? done : Math.max(size, done) });
    };
    const stream = fillingStream(assembler, { signal: options.signal, onBytes });
    end = (failure) => void stream.destroy(failure);
    return stream;
  } catch (error) {
    // The stream fails only when it is read: before that, it may have no error listener.
    return new Readable({
      read() {
        this.destroy(error as Error);
      },
    });
  }
}

/** Callers without a type checker may pass anything. */
function isPlan(given: readonly LayerIndex[] | Plan): given is Plan {
  return typeof given === 'object' && given !== null && 'survivors' in given;
}

/** An output that is ready to be read. */
interface Extraction {
  readonly assembler: TarFiller;
  /** Approximate size of the tar, in bytes: that of its entries as stored, before headers are rewritten. */
  readonly size: number;
}

/**
 * Opens the tar that a plan describes.
 *
 * @param watchers see each entry of the tar as it is made
 */
export function openExtraction(
  plan: Plan,
  { onEntry, onTreeDigest, signal, tmpDir }: ExtractOptions,
  watchers: readonly EntryWatcher[] = [],
): Extraction {
  const columns = planColumns(plan);
  const onItem = onEntry && ((item: number) => onEntry(writtenEvent(columns, item)));
  let size = 0;
  for (let item = 0; item < columns.length; item++) {
    const entry = columns.entry[item] as number;
    const { entries } = columns.layers[columns.layer[item] as number] as IndexedLayer;
    if (entry >= 0) size += entries.end(entry) - entries.start(entry);
  }
  const all: readonly EntryWatcher[] = onTreeDigest ? [...watchers, new TreeDigest(onTreeDigest)] : watchers;
  const curious = all.filter(({ rewritten }) => rewritten);
  const onRewrite = (item: number, headers: Uint8Array) => {
    for (const watcher of curious) watcher.rewritten?.(item, headers);
  };
  const assembler = new TarAssembler(columns, { signal, onItem, tmpDir, ...(curious.length > 0 && { onRewrite }) });
  return { assembler: watchedTar(assembler, all, signal), size };
}
