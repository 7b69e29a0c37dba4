import { availableParallelism } from 'node:os';
import { Call } from '../base/call/call.js';
import { limitsOf } from '../base/limits.js';
import { checkOptions, checkTmpDir, requireThat } from '../check-options.js';
import { DimgxError, inputWarner, throwIfAborted, type Warning } from '../errors.js';
import { type Image, type OpenedImage, openedImage } from '../image/image.js';
import type { Layer, StoredLayer } from '../image/layer.js';
import type { IndexedLayer, LayerIndex } from '../layer/layer-index.js';
import type { InspectOptions } from '../options.js';
import { Arrivals } from './arrive/arrivals.js';
import { ReadyLayers } from './arrive/ready-layers.js';
import { Budget } from './budget.js';
import type { OnBytes } from './index-layer.js';
import { type Inspected, Inspection } from './inspection.js';
import { knownLayers } from './known-layers.js';
import { LayerRunner, LayerWork } from './layer-runner.js';
import { poolFor } from './pool.js';
import { Spools } from './spools.js';

export interface InspectLayersOptions extends InspectOptions {
  /** Layers to inspect, in order. Default: all, newest first. */
  readonly select?: readonly Layer[] | undefined;
  /**
   * The indexes will not be used to read contents, and nothing need be verified: indexes that the source has saved do.
   * Default false.
   */
  readonly headersOnly?: boolean | undefined;
}

/**
 * Reads the headers of layers, each layer once. Uncompressed layers are read in place; others are decoded, and again
 * when their contents are extracted. Returns as soon as all headers are read. Hashing of uncompressed layers continues
 * after that, see `LayerIndex.verified`.
 *
 * @returns one index per selected layer, in the order of the selection
 * @throws DIMGX_TAR_*, DIMGX_ENTRY_*, DIMGX_LIMIT_*, DIMGX_COMPRESSION_*, DIMGX_IMAGE_DIGEST_MISMATCH,
 *   DIMGX_SOURCE_CHANGED, DIMGX_OPTION_INVALID, DIMGX_CALLBACK_FAILED, DIMGX_ABORTED
 */
export async function inspectLayers(image: Image, options: InspectLayersOptions = {}): Promise<readonly LayerIndex[]> {
  const opened = openedImage(image);
  checkOptions(options);
  const own = new Set(opened.layers);
  for (const each of options.select ?? []) {
    requireThat(own.has(each), 'each layer in the option select', 'a layer of the image', each);
  }
  const call = new Call(options);
  try {
    // Hashing continues after this returns and still uses the caller's signal and callbacks.
    opened.resources.adopt(call.end);
    return await call.run(async () => {
      await checkTmpDir(options.tmpDir);
      const indexes = await inspect(opened, { ...options, ...call.options });
      await call.settle();
      return indexes;
    });
  } catch (failure) {
    call.end();
    throw failure;
  }
}

async function inspect(image: OpenedImage, options: InspectLayersOptions): Promise<readonly IndexedLayer[]> {
  throwIfAborted(options.signal);
  const { resources } = image;
  if (resources.isClosed) throw new DimgxError('DIMGX_ABORTED', 'the image has been closed');
  const limits = limitsOf(options.limits);
  const selected = options.select ?? image.layers.toReversed();
  const known = options.headersOnly ? await knownLayers(image, selected, new Budget(limits)) : undefined;
  if (known) return inContext(known, selected, image, inputWarner(options));
  const pool = poolFor(options.pool);
  const threads = options.threads ?? availableParallelism();
  const runner = new LayerRunner(threads, pool);
  resources.adopt(() => runner.close());
  const work = new LayerWork(runner, options);
  const ready = new ReadyLayers(runner, work);
  const hashes = options.verify ?? true;
  const means = { budget: new Budget(limits), pool, threads, spools: new Spools(options.tmpDir, resources) };
  const arrivals = new Arrivals({ ...means, limits, hashes, progressOf: decoding(options), ready });
  resources.adopt(() => arrivals.close());
  const stored = await image.fetch(selected, arrivals.watch);
  await arrivals.finish();

  const refetch = async (layer: Layer) => (await image.fetch([layer]))[0] as StoredLayer;
  const inspection = new Inspection(stored, options, { ...means, runner, work, ready, arrivals, refetch });
  const abort = () => {
    void inspection.abort();
    void arrivals.close();
  };
  options.signal?.addEventListener('abort', abort, { once: true });
  resources.adopt(async () => {
    options.signal?.removeEventListener('abort', abort);
    await inspection.close();
  });
  return inContext(await inspection.run(), selected, image, inputWarner(options));
}

/** Reports the progress of layers that are decoded while they arrive. */
function decoding({ onProgress }: InspectLayersOptions): (layer: Layer) => OnBytes {
  return ({ name: item, claimedSize: total }) => {
    let done = 0;
    return (bytes) => {
      done += bytes;
      onProgress?.({ stage: 'inspect', item, done, total });
    };
  };
}

/** Adds what depends on the image: each layer's place, and the warnings about Windows records. */
function inContext(
  indexes: readonly Inspected[],
  selected: readonly Layer[],
  { layers, config }: Image,
  warn: (warning: Warning) => void,
): readonly IndexedLayer[] {
  const forWindows = config.os?.toLowerCase() === 'windows' || indexes.some((index) => index.isForWindows);
  const warnings = new Map([...new Set(indexes)].map((index) => [index, warningsOf(index, forWindows)]));
  for (const warning of [...warnings.values()].flat()) warn(warning);
  const positions = new Map(layers.map((layer, position) => [layer, position]));
  return indexes.map((index, i) => {
    const layer = selected[i] as Layer;
    const place = { position: positions.get(layer) ?? -1, of: layers.length };
    const { windowsRecords: _, isForWindows: __, ...rest } = index;
    return { ...rest, layer, place, forWindows, warnings: warnings.get(index) ?? [] };
  });
}

/**
 * Warnings to report for a layer. Unless the image is for Windows, Windows records are dropped and counted with the
 * other PAX records that are dropped. An image is for Windows if its config says so, or if a layer has the Windows
 * layout, with Windows records below both `Files` and `Hives`.
 */
function warningsOf({ warnings, windowsRecords }: Inspected, forWindows: boolean): readonly Warning[] {
  if (forWindows || !windowsRecords) return warnings;
  const { code, count } = windowsRecords;
  if (!warnings.some((warning) => warning.code === code)) return [...warnings, windowsRecords];
  return warnings.map((warning) => (warning.code === code ? { ...warning, count: warning.count + count } : warning));
}
