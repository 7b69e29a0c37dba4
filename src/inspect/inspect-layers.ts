import type { FileHandle } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { DimgxError, inputWarner, throwIfAborted, type Warn } from '../errors.js';
import { algorithmOf, type Digest, hexOf } from '../image/digest.js';
import type { Image, Layer, StoredLayer } from '../image/image.js';
import { DEFAULT_LIMITS } from '../image/limits.js';
import type { Region } from '../image/region.js';
import type { InspectOptions } from '../options.js';
import { openSpool } from '../source/spool.js';
import { ofLayer } from '../warning-tally.js';
import { ArrivingBlobs, type DecodedBlob } from './arriving-blobs.js';
import { type ArrivedLayer, ArrivingLayers } from './arriving-layers.js';
import { Budget } from './budget.js';
import { EntryTable } from './entry-table.js';
import type { LayerContents } from './index-layer.js';
import type { LayerDigests, LayerIndex } from './layer-index.js';
import type { LayerReport } from './layer-job.js';
import { LayerRunner } from './layer-runner.js';

export interface InspectLayersOptions extends InspectOptions {
  /** Which layers, in which order. Default: all, newest first. */
  readonly select?: readonly Layer[];
}

/**
 * Reads the headers of layers, each once: uncompressed layers where they lie, others from a spool into which they are
 * decoded. Returns as soon as all headers are read; the hashing of uncompressed layers goes on, see
 * `LayerIndex.verified`.
 *
 * @returns one index per selected layer, in the order of the selection
 * @throws DIMGX_TAR_*, DIMGX_INSPECT_*, DIMGX_COMPRESSION_*, DIMGX_SOURCE_NO_SPACE, DIMGX_IMAGE_DIGEST_MISMATCH,
 *   DIMGX_EXTRACT_CHANGED, DIMGX_ABORTED
 */
export async function inspectLayers(image: Image, options: InspectLayersOptions = {}): Promise<readonly LayerIndex[]> {
  throwIfAborted(options.signal);
  if (image.resources.isClosed) throw new DimgxError('DIMGX_ABORTED', 'the image has been closed');
  const asked = options.select ?? image.layers.toReversed();
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const threads = options.threads ?? availableParallelism();
  const budget = new Budget(limits);
  const arriving = new ArrivingLayers(limits, options.verify ?? true);
  const arrivingBlobs = arrivingBlobsOf(options, budget, threads);
  image.resources.adopt(() => Promise.all([arriving.close(), arrivingBlobs.close()]));
  const select = await image.fetch(asked, arriving.watch, arrivingBlobs.watch);
  arrivingBlobs.finish();
  const arrived = await arriving.finish();
  const blobs = new Map<string, StoredLayer>(select.map((layer) => [blobKey(layer), layer]));
  const runner = new LayerRunner([...blobs.values()], threads);
  const inspection = new Inspection(runner, options, { arrived, arrivingBlobs, budget });
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
  for (const [key, layer] of inWorkingOrder(blobs)) found.set(key, inspection.inspect(layer));
  const warn = inputWarner(options);
  const indexes = await Promise.all(select.map((layer) => found.get(blobKey(layer)) as Promise<Inspected>));
  runner.finish();
  inspection.countRepeated(indexes);
  for (const index of new Set(indexes)) raise(index, warn);
  const positions = new Map(image.layers.map((layer, position) => [layer, position]));
  return indexes.map((index, i) => {
    const layer = asked[i] as Layer;
    return { ...index, layer, place: { position: positions.get(layer) ?? -1, of: image.layers.length } };
  });
}

function arrivingBlobsOf(
  { verify = true, tmpDir, onProgress }: InspectLayersOptions,
  budget: Budget,
  threads: number,
): ArrivingBlobs {
  const progressOf = ({ name, claimedSize: total }: Layer) => {
    let done = 0;
    return (bytes: number) => {
      done += bytes;
      onProgress?.({ stage: 'inspect', item: name, done, total });
    };
  };
  return new ArrivingBlobs({ budget, threads, tmpDir, hashes: verify, progressOf });
}

/** Uncompressed layers first, whose headers are read in no time; then the largest, so that the threads end together. */
function inWorkingOrder(blobs: ReadonlyMap<string, StoredLayer>): [string, StoredLayer][] {
  const rank = (layer: StoredLayer) => (layer.compression === 'none' ? 0 : 1);
  return [...blobs].sort(([, a], [, b]) => rank(a) - rank(b) || b.blob.length - a.blob.length);
}

/** Layers that are the same stored bytes, under the same digests, are read once. */
function blobKey({ blob, compression, digest, diffId }: StoredLayer): string {
  return `${compression} ${blob.fd} ${blob.offset} ${blob.length} ${digest} ${diffId}`;
}

function raise(index: Inspected, warn: Warn): void {
  for (const warning of index.warnings) warn(warning);
}

/** An index that may serve several places of an image. */
type Inspected = Omit<LayerIndex, 'place'>;

/** What was read while it arrived. */
interface Arrivals {
  readonly arrived: readonly ArrivedLayer[];
  readonly arrivingBlobs: ArrivingBlobs;
  /** What it took of the limits has been counted. */
  readonly budget: Budget;
}

/** One call of `inspectLayers`. */
class Inspection {
  readonly #runner: LayerRunner;
  readonly #options: InspectLayersOptions;
  readonly #budget: Budget;
  readonly #arrived: readonly ArrivedLayer[];
  readonly #arrivingBlobs: ArrivingBlobs;
  /** As they are opened: one that is still being opened must be closed, too. */
  readonly #spools: Promise<FileHandle>[] = [];

  constructor(runner: LayerRunner, options: InspectLayersOptions, { arrived, arrivingBlobs, budget }: Arrivals) {
    this.#runner = runner;
    this.#options = options;
    this.#arrived = arrived;
    this.#arrivingBlobs = arrivingBlobs;
    this.#budget = budget;
  }

  /** Ends the threads, and only then closes what they write to. */
  async close(): Promise<void> {
    await this.#runner.close();
    const spools = await Promise.allSettled(this.#spools.splice(0));
    await Promise.all(spools.map((spool) => spool.status === 'fulfilled' && spool.value.close()));
  }

  /**
   * Entries count wherever their layer is applied, though it is read once.
   *
   * @throws DIMGX_INSPECT_TOO_MANY_ENTRIES
   */
  countRepeated(indexes: readonly Inspected[]): void {
    const counted = new Set<Inspected>();
    for (const index of indexes) {
      if (counted.has(index)) this.#budget.spendEntries(index.entries.length);
      counted.add(index);
    }
  }

  async inspect(layer: StoredLayer): Promise<Inspected> {
    const { fd, offset, length } = layer.blob;
    const arrived = this.#arrived.find((each) => each.fd === fd && each.offset === offset && each.length === length);
    if (arrived) return this.#takeArrived(layer, arrived);
    const decoded = this.#arrivingBlobs.take(layer);
    if (decoded) return this.#takeDecoded(layer, decoded);
    return layer.compression === 'none' ? this.#inspectPlain(layer) : this.#inspectCompressed(layer);
  }

  /** Its headers were read and its bytes hashed while it arrived. */
  #takeArrived(layer: StoredLayer, { contents, sha256, spentBytes }: ArrivedLayer): Inspected {
    this.#budget.spendBytes(spentBytes);
    this.#budget.spendEntries(contents.columns.length);
    if (!this.#verifies) return this.#index(layer, layer.blob, contents, Promise.resolve({}));
    const named = digestsNamed(layer);
    const isHashed = named.every((digest) => algorithmOf(digest) === 'sha256');
    if (isHashed) for (const digest of named) compare(layer, digest, sha256);
    const verified = isHashed ? Promise.resolve(digestsOf(layer)) : this.#verifyPlain(layer);
    verified.catch(() => undefined);
    return this.#index(layer, layer.blob, contents, verified);
  }

  /** It was decoded while it arrived, and its stored bytes compared with their digest. */
  async #takeDecoded(layer: StoredLayer, decoded: Promise<DecodedBlob>): Promise<Inspected> {
    const { spool, report } = await decoded.catch((error: unknown) => this.#refuse(layer, error));
    if (layer.diffId && this.#verifies) compare(layer, layer.diffId, report.plainHash);
    const verified = Promise.resolve(this.#verifies ? digestsOf(layer) : {});
    return this.#index(layer, { fd: spool, offset: 0 }, report.contents as LayerContents, verified);
  }

  async #inspectPlain(layer: StoredLayer): Promise<Inspected> {
    const verified = this.#verifies ? this.#verifyPlain(layer) : Promise.resolve({});
    verified.catch(() => undefined);
    const { contents } = await this.#run(layer, { kind: 'index', blob: layer.blob, budget: this.#budget }, 'inspect');
    return this.#index(layer, layer.blob, contents as LayerContents, verified);
  }

  async #verifyPlain(layer: StoredLayer): Promise<LayerDigests> {
    const named = digestsNamed(layer);
    const algorithms = [...new Set(named.map(algorithmOf))];
    if (algorithms.length === 0) return {};
    const { hashes = [] } = await this.#run(layer, { kind: 'hash', blob: layer.blob, algorithms }, 'verify');
    for (const digest of named) compare(layer, digest, hashes[algorithms.indexOf(algorithmOf(digest))]);
    return digestsOf(layer);
  }

  async #inspectCompressed(layer: StoredLayer): Promise<Inspected> {
    const opening = openSpool(this.#options.tmpDir, layer.blob.length);
    this.#spools.push(opening);
    const spool = await opening;
    const { blob, compression } = layer;
    const storedAlgorithm = this.#verifies && layer.digest ? algorithmOf(layer.digest) : undefined;
    const plainAlgorithm = this.#verifies && layer.diffId ? algorithmOf(layer.diffId) : undefined;
    const hashing = { storedAlgorithm, plainAlgorithm, budget: this.#budget };
    const report = await this.#run(
      layer,
      { kind: 'decode', blob, compression, spool: spool.fd, ...hashing },
      'inspect',
    );
    if (layer.digest && storedAlgorithm) compare(layer, layer.digest, report.storedHash);
    if (layer.diffId && plainAlgorithm) compare(layer, layer.diffId, report.plainHash);
    const verified = Promise.resolve(this.#verifies ? digestsOf(layer) : {});
    return this.#index(layer, { fd: spool.fd, offset: 0 }, report.contents as LayerContents, verified);
  }

  get #verifies(): boolean {
    return this.#options.verify ?? true;
  }

  #run(layer: StoredLayer, job: Parameters<LayerRunner['run']>[0], stage: 'inspect' | 'verify'): Promise<LayerReport> {
    let done = 0;
    const onBytes = (bytes: number) => {
      done += bytes;
      this.#options.onProgress?.({ stage, item: layer.name, done, total: layer.blob.length });
    };
    return this.#runner.run(job, onBytes).catch((error: unknown) => this.#refuse(layer, error));
  }

  #refuse(layer: Layer, error: unknown): never {
    throwIfAborted(this.#options.signal);
    throw error instanceof DimgxError ? named(layer, error) : error;
  }

  #index(
    layer: Layer,
    start: Omit<Region, 'length'>,
    { columns, contentSize, length, warnings }: LayerContents,
    verified: Promise<LayerDigests>,
  ): Inspected {
    const region = { ...start, length };
    const spoken = warnings.map((warning) => ofLayer(layer.name, warning));
    return { layer, region, entries: new EntryTable(columns), contentSize, warnings: spoken, verified };
  }
}

/** What the bytes of an uncompressed layer are checked against. */
function digestsNamed({ digest, diffId }: Layer): readonly Digest[] {
  return [digest, diffId].filter((named) => named !== undefined);
}

function digestsOf({ digest, diffId }: Layer): LayerDigests {
  return { ...(digest && { digest }), ...(diffId && { diffId }) };
}

function compare(layer: Layer, expected: Digest, hex: string | undefined): void {
  if (hex === hexOf(expected)) return;
  const message = `layer ${layer.name} is damaged: its bytes have the digest ${algorithmOf(expected)}:${hex}, not ${expected}`;
  throw new DimgxError('DIMGX_IMAGE_DIGEST_MISMATCH', message);
}

function named(layer: Layer, error: DimgxError): DimgxError {
  return new DimgxError(error.code, `layer ${layer.name}: ${error.message}`, { cause: error });
}
