import { handledLater } from '../base/call/deferred.js';
import type { Region, RegionFile } from '../base/io/region.js';
import type { Warning } from '../errors.js';
import type { Layer, StoredLayer } from '../image/layer.js';
import { EntryTable } from '../layer/entry-table.js';
import { FillLevel } from '../layer/fill-level.js';
import { keptIndex } from '../layer/kept-index.js';
import {
  compareDigest,
  digestsNamed,
  digestsOf,
  type IndexedLayer,
  type LayerContents,
  type LayerDigests,
} from '../layer/layer-index.js';
import type { InspectOptions } from '../options.js';
import { algorithmOf } from '../reference/digest.js';
import { ofLayer } from '../warning-tally.js';
import type { Arrivals } from './arrive/arrivals.js';
import type { IndexedMember } from './arrive/arriving-archives.js';
import type { DecodedBlob } from './arrive/arriving-blobs.js';
import type { Budget } from './budget.js';
import { LayerDecoder, type Refetch } from './layer-decoder.js';
import { LayerRunner, LayerWork } from './layer-runner.js';
import { hashTask, indexTask, type SpoolPlace } from './layer-task.js';
import type { InspectionPool } from './pool.js';
import type { Spools } from './spools.js';

/** An index that may be used for several positions in an image. */
export interface Inspected extends Omit<IndexedLayer, 'place' | 'forWindows'> {
  /** Warning to report in addition, unless the image is for Windows. */
  readonly windowsRecords: Warning | undefined;
  readonly isForWindows: boolean;
}

/** What an inspection works with. */
interface InspectionMeans {
  readonly arrivals: Arrivals;
  /** The image's limits. Layers that were decoded while they arrived have already been counted. */
  readonly budget: Budget;
  readonly pool: InspectionPool;
  readonly spools: Spools;
  /** Maximum number of threads working at once. */
  readonly threads: number;
  /** Fetches a layer again if the copy its source keeps is damaged. */
  readonly refetch: Refetch;
}

/** One call of `inspectLayers`: its threads, its spools, and the index of each layer. */
export class Inspection {
  /** The key of each layer. */
  readonly #keys: readonly string[];
  /** The layers that are read, by key. */
  readonly #distinct: ReadonlyMap<string, StoredLayer>;
  readonly #options: InspectOptions;
  readonly #arrivals: Arrivals;
  readonly #budget: Budget;
  readonly #runner: LayerRunner;
  readonly #work: LayerWork;
  readonly #decoder: LayerDecoder;

  constructor(layers: readonly StoredLayer[], options: InspectOptions, means: InspectionMeans) {
    const { arrivals, budget, pool, threads } = means;
    this.#keys = keysOf(layers);
    this.#distinct = new Map(layers.map((layer, i) => [this.#keys[i] as string, layer]));
    this.#options = options;
    this.#arrivals = arrivals;
    this.#budget = budget;
    this.#runner = new LayerRunner([...this.#distinct.values()], threads, pool);
    this.#work = new LayerWork(this.#runner, options);
    this.#decoder = new LayerDecoder(this.#work, options, means);
  }

  /**
   * Reads the layers. Layers with the same stored bytes and the same digests are read once, and their entries count
   * once per position in the image.
   *
   * @returns one index per layer, in order
   * @throws as `inspectLayers`
   */
  async run(): Promise<readonly Inspected[]> {
    const kept = [...this.#distinct].map(async ([key, layer]) => [key, await keptIndex(layer)] as const);
    const known = new Map(await Promise.all(kept));
    const found = new Map<string, Promise<Inspected>>();
    for (const [key, layer] of inWorkingOrder(this.#distinct)) found.set(key, this.#inspect(layer, known.get(key)));
    const indexes = await Promise.all(this.#keys.map((key) => found.get(key) as Promise<Inspected>));
    this.#runner.finish();
    const counted = new Set<Inspected>();
    for (const index of indexes) {
      if (counted.has(index)) this.#budget.spendEntries(index.entries.length);
      counted.add(index);
    }
    return indexes;
  }

  /** Ends the threads at once. */
  async abort(): Promise<void> {
    await this.#runner.close();
  }

  /** Ends the threads, and waits until indexes have been saved. */
  async close(): Promise<void> {
    await this.#runner.close();
    await this.#decoder.close();
  }

  /** @param known what the layer's source has kept of it */
  async #inspect(layer: StoredLayer, known: LayerContents | undefined): Promise<Inspected> {
    const arrival = await this.#arrivals.take(layer).catch((error: unknown) => this.#work.refuse(layer, error));
    if (arrival?.way === 'indexed') return this.#takeIndexed(layer, arrival.member);
    if (arrival?.way === 'decoded') return this.#takeDecoded(layer, arrival.blob);
    return layer.compression === 'none' ? this.#inspectPlain(layer) : this.#inspectCompressed(layer, known);
  }

  /** The layer's headers were read and its bytes hashed while it arrived. */
  #takeIndexed(layer: StoredLayer, { contents, sha256 }: IndexedMember): Inspected {
    this.#budget.spendBytes(contents.spentBytes);
    this.#budget.spendEntries(contents.columns.length);
    if (!this.#verifies) return this.#index(layer, layer.blob, contents, Promise.resolve({}));
    const named = digestsNamed(layer);
    const isHashed = named.every((digest) => algorithmOf(digest) === 'sha256');
    if (isHashed) for (const digest of named) compareDigest(layer, digest, sha256);
    const verified = isHashed ? Promise.resolve(digestsOf(layer)) : handledLater(this.#verifyPlain(layer));
    return this.#index(layer, layer.blob, contents, verified);
  }

  /** The layer was decoded while it arrived, and its stored bytes match their digest. */
  #takeDecoded(layer: StoredLayer, { spool, report }: DecodedBlob): Inspected {
    if (layer.diffId && this.#verifies) compareDigest(layer, layer.diffId, report.plainHash);
    return this.#indexDecoded(layer, spool, report.contents as LayerContents);
  }

  async #inspectPlain(layer: StoredLayer): Promise<Inspected> {
    const verified = this.#verifies ? handledLater(this.#verifyPlain(layer)) : Promise.resolve({});
    const { contents } = await this.#work.run(layer, indexTask(layer.blob, this.#budget), 'inspect');
    return this.#index(layer, layer.blob, contents as LayerContents, verified);
  }

  async #verifyPlain(layer: StoredLayer): Promise<LayerDigests> {
    const named = digestsNamed(layer);
    const algorithms = [...new Set(named.map(algorithmOf))];
    if (algorithms.length === 0) return {};
    const { hashes = [] } = await this.#work.run(layer, hashTask(layer.blob, algorithms), 'verify');
    for (const digest of named) compareDigest(layer, digest, hashes[algorithms.indexOf(algorithmOf(digest))]);
    return digestsOf(layer);
  }

  async #inspectCompressed(layer: StoredLayer, known: LayerContents | undefined): Promise<Inspected> {
    if (known) return this.#inspectKnown(layer, known);
    const { spool, report } = await this.#decoder.decode(layer);
    return this.#indexDecoded(layer, spool, report.contents as LayerContents);
  }

  /** The layer's headers are known, so it is decoded in the background. Readers get the bytes decoded so far. */
  async #inspectKnown(layer: StoredLayer, contents: LayerContents): Promise<Inspected> {
    this.#budget.spendBytes(contents.spentBytes - contents.length); // decoding counts the rest
    this.#budget.spendEntries(contents.columns.length);
    const filled = new FillLevel();
    const spool = await this.#decoder.allot(layer, contents.length);
    const decoded = this.#decoder.decode(layer, { contents, filled, spool });
    const verified = handledLater(decoded.then(() => (this.#verifies ? digestsOf(layer) : {})));
    decoded.then(
      () => filled.rise(contents.length),
      (failure) => filled.fail(failure),
    );
    return this.#index(layer, spool, contents, verified, filled);
  }

  /** The layer's bytes are in a spool and have been verified. */
  #indexDecoded(layer: StoredLayer, spool: SpoolPlace, contents: LayerContents): Inspected {
    this.#decoder.keep(layer, contents);
    const verified = Promise.resolve(this.#verifies ? digestsOf(layer) : {});
    return this.#index(layer, spool, contents, verified);
  }

  get #verifies(): boolean {
    return this.#options.verify ?? true;
  }

  #index(
    layer: Layer,
    { file, offset }: Omit<Region, 'length'>,
    { columns, contentSize, length, warnings, windowsRecords, isForWindows }: LayerContents,
    verified: Promise<LayerDigests>,
    filled = FillLevel.full,
  ): Inspected {
    const region = { file, offset, length };
    const said = {
      warnings: warnings.map((warning) => ofLayer(layer.name, warning)),
      windowsRecords: windowsRecords && ofLayer(layer.name, windowsRecords),
    };
    return { layer, region, filled, entries: new EntryTable(columns), contentSize, isForWindows, verified, ...said };
  }
}

/**
 * Uncompressed layers first, because their headers are read quickly. Then the largest first, so that all threads finish
 * at about the same time.
 */
function inWorkingOrder(layers: ReadonlyMap<string, StoredLayer>): [string, StoredLayer][] {
  const rank = (layer: StoredLayer) => (layer.compression === 'none' ? 0 : 1);
  return [...layers].sort(([, a], [, b]) => rank(a) - rank(b) || b.blob.length - a.blob.length);
}

/** A key for each layer: the same for layers with the same stored bytes and the same digests. */
function keysOf(layers: readonly StoredLayer[]): readonly string[] {
  const numbers = new Map<RegionFile, number>();
  return layers.map(({ blob, compression, digest, diffId }) => {
    const number = numbers.get(blob.file) ?? numbers.size;
    numbers.set(blob.file, number);
    return `${compression} ${number} ${blob.offset} ${blob.length} ${digest} ${diffId}`;
  });
}
