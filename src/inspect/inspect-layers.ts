import { availableParallelism } from 'node:os';
import { Call } from '../base/call/call.js';
import type { RegionFile } from '../base/io/region.js';
import { limitsOf } from '../base/limits.js';
import { checkOptions, checkTmpDir, requireThat } from '../check-options.js';
import { DimgxError, inputWarner, throwIfAborted } from '../errors.js';
import type { Image, Layer, StoredLayer } from '../image/image.js';
import { keptIndex } from '../layer/kept-index.js';
import type { IndexedLayer, LayerIndex } from '../layer/layer-index.js';
import type { InspectOptions } from '../options.js';
import { ArrivingBlobs, type ArrivingBlobsOptions } from './arrive/arriving-blobs.js';
import { ArrivingLayers } from './arrive/arriving-layers.js';
import { Budget } from './budget.js';
import { type Inspected, Inspection, isForWindows, warningsOf } from './inspection.js';
import { LayerRunner } from './layer-runner.js';
import { poolFor } from './pool.js';
import { Spools } from './spools.js';

export interface InspectLayersOptions extends InspectOptions {
  /** Layers to inspect, in order. Default: all, newest first. */
  readonly select?: readonly Layer[] | undefined;
}

/**
 * Reads the headers of layers, each layer once. Uncompressed layers are read in place; others are decoded into a spool.
 * Returns as soon as all headers are read. Hashing of uncompressed layers continues after that, see
 * `LayerIndex.verified`.
 *
 * @returns one index per selected layer, in the order of the selection
 * @throws DIMGX_TAR_*, DIMGX_INSPECT_*, DIMGX_COMPRESSION_*, DIMGX_SOURCE_NO_SPACE, DIMGX_IMAGE_DIGEST_MISMATCH,
 *   DIMGX_EXTRACT_CHANGED, DIMGX_CLI_USAGE, DIMGX_CALLBACK_FAILED, DIMGX_ABORTED
 */
export async function inspectLayers(image: Image, options: InspectLayersOptions = {}): Promise<readonly LayerIndex[]> {
  requireThat(typeof image?.fetch === 'function', 'the image', 'one that openImage gave', image);
  checkOptions(options);
  const call = new Call(options);
  try {
    // Hashing continues after this returns and still uses the caller's signal and callbacks.
    image.resources.adopt(call.end);
    return await call.run(async () => {
      await checkTmpDir(options.tmpDir);
      const indexes = await inspect(image, { ...options, ...call.options });
      await call.settle();
      return indexes;
    });
  } catch (failure) {
    call.end();
    throw failure;
  }
}

async function inspect(image: Image, options: InspectLayersOptions): Promise<readonly IndexedLayer[]> {
  throwIfAborted(options.signal);
  if (image.resources.isClosed) throw new DimgxError('DIMGX_ABORTED', 'the image has been closed');
  const asked = options.select ?? image.layers.toReversed();
  const limits = limitsOf(options.limits);
  const threads = options.threads ?? availableParallelism();
  const budget = new Budget(limits);
  const pool = poolFor(options.pool);
  const arriving = new ArrivingLayers(limits, options.verify ?? true, pool);
  const spools = new Spools(options.tmpDir, image.resources);
  const arrivingBlobs = arrivingBlobsOf(options, { budget, threads, spools, pool });
  image.resources.adopt(() => Promise.all([arriving.close(), arrivingBlobs.close()]));
  const select = await image.fetch(asked, { spool: arriving.watch, layer: arrivingBlobs.watch });
  arrivingBlobs.finish();
  const arrived = await arriving.finish();
  const blobKey = blobKeys();
  const blobs = new Map<string, StoredLayer>(select.map((layer) => [blobKey(layer), layer]));
  const runner = new LayerRunner([...blobs.values()], threads, pool);
  const inspection = new Inspection(runner, options, { arrived, arrivingBlobs, budget, spools }, async (layer) => {
    const [again] = await image.fetch([layer]);
    return again as StoredLayer;
  });
  const abort = () => {
    void runner.close();
    void arrivingBlobs.close();
  };
  options.signal?.addEventListener('abort', abort, { once: true });
  image.resources.adopt(async () => {
    options.signal?.removeEventListener('abort', abort);
    await inspection.close();
  });
  const found = new Map<string, Promise<Inspected>>();
  const known = new Map(
    await Promise.all([...blobs].map(async ([key, layer]) => [key, await keptIndex(layer)] as const)),
  );
  for (const [key, layer] of inWorkingOrder(blobs)) found.set(key, inspection.inspect(layer, known.get(key)));
  const warn = inputWarner(options);
  const indexes = await Promise.all(select.map((layer) => found.get(blobKey(layer)) as Promise<Inspected>));
  runner.finish();
  inspection.countRepeated(indexes);
  const forWindows = isForWindows(image.config.os, indexes);
  const warnings = new Map([...new Set(indexes)].map((index) => [index, warningsOf(index, forWindows)]));
  for (const warning of [...warnings.values()].flat()) warn(warning);
  const positions = new Map(image.layers.map((layer, position) => [layer, position]));
  return indexes.map((index, i) => {
    const layer = asked[i] as Layer;
    const place = { position: positions.get(layer) ?? -1, of: image.layers.length };
    const { windowsRecords: _, isForWindows: __, ...rest } = index;
    return { ...rest, layer, place, forWindows, warnings: warnings.get(index) ?? [] };
  });
}

function arrivingBlobsOf(
  { verify = true, onProgress }: InspectLayersOptions,
  parts: Pick<ArrivingBlobsOptions, 'budget' | 'threads' | 'spools' | 'pool'>,
): ArrivingBlobs {
  const progressOf = ({ name, claimedSize: total }: Layer) => {
    let done = 0;
    return (bytes: number) => {
      done += bytes;
      onProgress?.({ stage: 'inspect', item: name, done, total });
    };
  };
  return new ArrivingBlobs({ ...parts, hashes: verify, progressOf });
}

/**
 * Uncompressed layers first, because their headers are read quickly. Then the largest first, so that all threads finish
 * at about the same time.
 */
function inWorkingOrder(blobs: ReadonlyMap<string, StoredLayer>): [string, StoredLayer][] {
  const rank = (layer: StoredLayer) => (layer.compression === 'none' ? 0 : 1);
  return [...blobs].sort(([, a], [, b]) => rank(a) - rank(b) || b.blob.length - a.blob.length);
}

/** Layers with the same stored bytes and the same digests are read once. */
function blobKeys(): (layer: StoredLayer) => string {
  const numbers = new Map<RegionFile, number>();
  return ({ blob, compression, digest, diffId }) => {
    const number = numbers.get(blob.file) ?? numbers.size;
    numbers.set(blob.file, number);
    return `${compression} ${number} ${blob.offset} ${blob.length} ${digest} ${diffId}`;
  };
}
