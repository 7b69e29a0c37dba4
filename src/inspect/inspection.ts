import type { FileHandle } from 'node:fs/promises';
import { DimgxError, throwIfAborted } from '../errors.js';
import { openSpool } from '../file/spool.js';
import { algorithmOf, type Digest, hexOf } from '../image/digest.js';
import type { Layer, StoredLayer } from '../image/image.js';
import type { Region } from '../image/region.js';
import type { InspectOptions } from '../options.js';
import { ofLayer } from '../warning-tally.js';
import type { ArrivingBlobs, DecodedBlob } from './arriving-blobs.js';
import type { ArrivedLayer } from './arriving-layers.js';
import type { Budget } from './budget.js';
import { EntryTable } from './entry-table.js';
import { FillLevel } from './fill-level.js';
import type { LayerContents } from './index-layer.js';
import { keepIndex } from './kept-index.js';
import type { LayerDigests, LayerIndex } from './layer-index.js';
import type { LayerReport } from './layer-job.js';
import type { LayerRunner } from './layer-runner.js';

type Refetch = (layer: Layer) => Promise<StoredLayer>;

/** An index that may serve several places of an image. */
export type Inspected = Omit<LayerIndex, 'place'>;

/** What was read while it arrived. */
interface Arrivals {
  readonly arrived: readonly ArrivedLayer[];
  readonly arrivingBlobs: ArrivingBlobs;
  /** What it took of the limits has been counted. */
  readonly budget: Budget;
}

/** A layer whose headers were read another time. */
interface KnownLayer {
  readonly contents: LayerContents;
  readonly filled: FillLevel;
}

/** One call of `inspectLayers`: its threads, its spools, and what becomes of each layer. */
export class Inspection {
  readonly #runner: LayerRunner;
  readonly #options: InspectOptions;
  readonly #budget: Budget;
  readonly #refetch: Refetch;
  readonly #arrived: readonly ArrivedLayer[];
  readonly #arrivingBlobs: ArrivingBlobs;
  /** As they are opened: one that is still being opened must be closed, too. */
  readonly #spools: Promise<FileHandle>[] = [];
  readonly #keeping: Promise<void>[] = [];

  /** @param refetch brings a layer anew that was damaged where its source keeps it */
  constructor(
    runner: LayerRunner,
    options: InspectOptions,
    { arrived, arrivingBlobs, budget }: Arrivals,
    refetch: Refetch,
  ) {
    this.#runner = runner;
    this.#options = options;
    this.#refetch = refetch;
    this.#arrived = arrived;
    this.#arrivingBlobs = arrivingBlobs;
    this.#budget = budget;
  }

  /** Ends the threads, and only then closes what they write to. */
  async close(): Promise<void> {
    await this.#runner.close();
    await Promise.all(this.#keeping);
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

  /** @param known what its source has kept of it */
  async inspect(layer: StoredLayer, known: LayerContents | undefined): Promise<Inspected> {
    const { fd, offset, length } = layer.blob;
    const arrived = this.#arrived.find((each) => each.fd === fd && each.offset === offset && each.length === length);
    if (arrived) return this.#takeArrived(layer, arrived);
    const decoded = this.#arrivingBlobs.take(layer);
    if (decoded) return this.#takeDecoded(layer, decoded);
    return layer.compression === 'none' ? this.#inspectPlain(layer) : this.#inspectCompressed(layer, known);
  }

  /** Its headers were read and its bytes hashed while it arrived. */
  #takeArrived(layer: StoredLayer, { contents, sha256 }: ArrivedLayer): Inspected {
    this.#budget.spendBytes(contents.spentBytes);
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
    return this.#indexDecoded(layer, spool, report.contents as LayerContents);
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

  async #inspectCompressed(layer: StoredLayer, known: LayerContents | undefined): Promise<Inspected> {
    const opening = openSpool(this.#options.tmpDir, layer.blob.length);
    this.#spools.push(opening);
    const spool = await opening;
    if (known) return this.#inspectKnown(layer, spool, known);
    const { contents } = await this.#decode(layer, spool);
    return this.#indexDecoded(layer, spool.fd, contents as LayerContents);
  }

  /** Its headers are known: it is decoded while the work goes on, and read as far as it has come. */
  #inspectKnown(layer: StoredLayer, spool: FileHandle, contents: LayerContents): Inspected {
    this.#budget.spendBytes(contents.spentBytes - contents.length); // the rest is counted as it comes
    this.#budget.spendEntries(contents.columns.length);
    const filled = new FillLevel();
    const decoded = this.#decode(layer, spool, { contents, filled });
    const verified = decoded.then(() => (this.#verifies ? digestsOf(layer) : {}));
    verified.catch(() => undefined);
    decoded.then(
      () => filled.rise(contents.length),
      (failure) => filled.fail(failure),
    );
    return this.#index(layer, { fd: spool.fd, offset: 0 }, contents, verified, filled);
  }

  /** What turns out to be damaged is fetched anew, once, unless some of it has been given out. */
  async #decode(layer: StoredLayer, spool: FileHandle, known?: KnownLayer): Promise<LayerReport> {
    try {
      return await this.#decodeOnce(layer, spool, known);
    } catch (failure) {
      const isGivenOut = known !== undefined && known.filled.length > 0;
      if (!layer.keeper || isGivenOut || !(await this.#isDamaged(layer))) throw failure;
      await layer.keeper.discard();
      const again = await this.#refetch(layer);
      await spool.truncate();
      const report = await this.#decodeOnce(again, spool, known);
      if (known && this.#verifies) this.#keeping.push(keepIndex(again, known.contents));
      return report;
    }
  }

  /** What a known layer's stored bytes decode to was compared once: they are compared before, and it may be read as it comes. */
  async #decodeOnce(layer: StoredLayer, spool: FileHandle, known: KnownLayer | undefined): Promise<LayerReport> {
    const { blob, compression, digest, diffId } = layer;
    const storedAlgorithm = this.#verifies && digest ? algorithmOf(digest) : undefined;
    const plainAlgorithm = this.#verifies && diffId && !known ? algorithmOf(diffId) : undefined;
    const expected = known && digest && hexOf(digest);
    const hashing = { storedAlgorithm, expected, plainAlgorithm, budget: this.#budget };
    const job = { kind: 'decode', blob, compression, spool: spool.fd, reads: !known, ...hashing } as const;
    const report = await this.#run(layer, job, 'inspect', storedAlgorithm ? known?.filled : undefined);
    if (digest && storedAlgorithm) compare(layer, digest, report.storedHash);
    if (diffId && plainAlgorithm) compare(layer, diffId, report.plainHash);
    if (known && report.length !== known.contents.length)
      throw otherLength(layer, report.length, known.contents.length);
    return report;
  }

  async #isDamaged(layer: StoredLayer): Promise<boolean> {
    const { blob, digest } = layer;
    if (!digest || this.#options.signal?.aborted) return false;
    const { hashes } = await this.#run(layer, { kind: 'hash', blob, algorithms: [algorithmOf(digest)] }, 'verify');
    return hashes?.[0] !== hexOf(digest);
  }

  /** Its bytes lie in a spool, and have been compared. */
  #indexDecoded(layer: StoredLayer, spool: number, contents: LayerContents): Inspected {
    if (this.#verifies) this.#keeping.push(keepIndex(layer, contents));
    const verified = Promise.resolve(this.#verifies ? digestsOf(layer) : {});
    return this.#index(layer, { fd: spool, offset: 0 }, contents, verified);
  }

  get #verifies(): boolean {
    return this.#options.verify ?? true;
  }

  #run(
    layer: StoredLayer,
    job: Parameters<LayerRunner['run']>[0],
    stage: 'inspect' | 'verify',
    filled?: FillLevel,
  ): Promise<LayerReport> {
    let done = 0;
    const onBytes = (bytes: number, spooled = 0) => {
      done += bytes;
      filled?.rise(spooled);
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
    filled = FillLevel.full,
  ): Inspected {
    const region = { ...start, length };
    const spoken = warnings.map((warning) => ofLayer(layer.name, warning));
    return { layer, region, filled, entries: new EntryTable(columns), contentSize, warnings: spoken, verified };
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

function otherLength(layer: Layer, length: number | undefined, known: number): DimgxError {
  const message = `layer ${layer.name} is damaged: it comes to ${length} bytes, where it came to ${known}`;
  return new DimgxError('DIMGX_IMAGE_SIZE_MISMATCH', message);
}

function named(layer: Layer, error: DimgxError): DimgxError {
  return new DimgxError(error.code, `layer ${layer.name}: ${error.message}`, { cause: error });
}
