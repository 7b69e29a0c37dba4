import { handledLater } from '../base/call/deferred.js';
import type { RegionFile } from '../base/io/region.js';
import { DimgxError, type Warning } from '../errors.js';
import type { Layer, StoredLayer } from '../image/layer.js';
import { EntryTable } from '../layer/entry-table.js';
import { keptIndex } from '../layer/kept-index.js';
import {
  compareDigest,
  digestsNamed,
  digestsOf,
  type IndexedLayer,
  type LayerBytes,
  type LayerContents,
  type LayerDigests,
} from '../layer/layer-index.js';
import type { InspectOptions } from '../options.js';
import { algorithmOf } from '../reference/digest.js';
import { ofLayer } from '../warning-tally.js';
import type { Arrivals } from './arrive/arrivals.js';
import type { IndexedMember } from './arrive/arriving-archives.js';
import type { ReadyLayers } from './arrive/ready-layers.js';
import type { Budget } from './budget.js';
import { type DecodedLayer, LayerDecoder, type Refetch } from './layer-decoder.js';
import type { LayerRunner, LayerWork } from './layer-runner.js';
import { checksumTask, indexTask } from './layer-task.js';
import { isPlain, type PlainLayer, plainBytes } from './plain-layer.js';
import type { Spools } from './spools.js';

/**
 * Stored size of a layer, in bytes, up to which hashing it takes so little time that it is hashed before it is read. A
 * damaged copy can then be replaced before anything is made of it.
 */
const SOON_HASHED = 64 * 1024 * 1024;

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
  readonly spools: Spools;
  readonly runner: LayerRunner;
  readonly work: LayerWork;
  readonly ready: ReadyLayers;
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
  readonly #ready: ReadyLayers;
  readonly #decoder: LayerDecoder;

  constructor(layers: readonly StoredLayer[], options: InspectOptions, means: InspectionMeans) {
    const { arrivals, budget, runner, work, ready } = means;
    this.#keys = keysOf(layers);
    this.#distinct = new Map(layers.map((layer, i) => [this.#keys[i] as string, layer]));
    this.#options = options;
    this.#arrivals = arrivals;
    this.#budget = budget;
    this.#runner = runner;
    this.#runner.expect([...this.#distinct.values()]);
    this.#work = work;
    this.#ready = ready;
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
    if (arrival?.way === 'indexed' && isPlain(layer)) return this.#takeIndexed(layer, arrival.member);
    if (arrival?.way === 'decoded') return this.#takeDecoded(layer, arrival.decoded);
    if (!isPlain(layer)) return this.#inspectCompressed(layer, known);
    return layer.otherwise ? this.#inspectDoubtful(layer, layer.otherwise) : this.#inspectPlain(layer);
  }

  /** Hashes the layer before anything is made of it, and fetches it in another way if it is not as it should be. */
  async #inspectDoubtful(layer: PlainLayer, otherwise: NonNullable<StoredLayer['otherwise']>): Promise<Inspected> {
    try {
      const verified = Promise.resolve(await this.#verifyPlain(layer));
      const { contents } = await this.#work.run(layer, indexTask(layer.blob, this.#budget), 'inspect');
      return inspectedLayer(layer, plainBytes(layer), contents as LayerContents, verified);
    } catch (failure) {
      if (!(failure instanceof DimgxError) || isFinal(failure)) throw failure;
      const other = await otherwise(failure).catch((error: unknown) => this.#work.refuse(layer, error));
      return this.#inspect(other, undefined);
    }
  }

  /** The layer's headers were read and its bytes hashed while it arrived. */
  #takeIndexed(layer: PlainLayer, { contents, sha256 }: IndexedMember): Inspected {
    this.#budget.spendBytes(contents.spentBytes);
    this.#budget.spendEntries(contents.columns.length);
    const bytes = plainBytes(layer);
    if (!this.#verifies) return inspectedLayer(layer, bytes, contents, Promise.resolve({}));
    const named = digestsNamed(layer);
    const isHashed = named.every((digest) => algorithmOf(digest) === 'sha256');
    if (isHashed) for (const digest of named) compareDigest(layer, digest, sha256);
    const verified = isHashed ? Promise.resolve(digestsOf(layer)) : handledLater(this.#verifyPlain(layer));
    return inspectedLayer(layer, bytes, contents, verified);
  }

  /** The layer was decoded while it arrived, and its stored bytes match their digest. */
  #takeDecoded(layer: StoredLayer, decoded: DecodedLayer): Inspected {
    if (layer.diffId && this.#verifies) compareDigest(layer, layer.diffId, decoded.plainHash);
    return this.#indexDecoded(layer, decoded);
  }

  async #inspectPlain(layer: PlainLayer): Promise<Inspected> {
    const verified = this.#verifies ? handledLater(this.#verifyPlain(layer)) : Promise.resolve({});
    const { contents } = await this.#work.run(layer, indexTask(layer.blob, this.#budget), 'inspect');
    return inspectedLayer(layer, plainBytes(layer), contents as LayerContents, verified);
  }

  async #verifyPlain(layer: PlainLayer): Promise<LayerDigests> {
    const hashes = await this.#ready.hashesOf(layer);
    try {
      for (const digest of digestsNamed(layer)) compareDigest(layer, digest, hashes.get(algorithmOf(digest)));
    } catch (failure) {
      // The file that was changed says more than the digest of the layer.
      if (layer.blob.rebuilding) await this.#work.run(layer, checksumTask(layer.blob), 'verify');
      throw failure;
    }
    return digestsOf(layer);
  }

  async #inspectCompressed(layer: StoredLayer, known: LayerContents | undefined): Promise<Inspected> {
    return known ? this.#inspectKnown(layer, known) : this.#indexDecoded(layer, await this.#decoder.decode(layer));
  }

  /**
   * The headers of the layer are known, and its digest says that its uncompressed bytes are those that were verified
   * then. A large layer is checked while it is being read, so that the output can begin at once.
   */
  async #inspectKnown(layer: StoredLayer, contents: LayerContents): Promise<Inspected> {
    this.#budget.spendBytes(contents.spentBytes);
    this.#budget.spendEntries(contents.columns.length);
    const isSmall = layer.blob.length <= SOON_HASHED;
    const good = this.#verifies && isSmall ? await this.#decoder.checked(layer) : layer;
    if (good !== layer) this.#decoder.keep(good, contents);
    const checked = this.#verifies && !isSmall ? this.#decoder.check(layer) : Promise.resolve();
    const verified = handledLater(checked.then(() => (this.#verifies ? digestsOf(layer) : {})));
    const { length, decoderMemory } = contents;
    const { blob: stored, compression } = good;
    const bytes = { stored, compression, length, decoderMemory, isChecked: this.#verifies };
    return inspectedLayer(layer, bytes, contents, verified);
  }

  /** The layer's bytes have been verified. */
  #indexDecoded(layer: StoredLayer, { contents, bytes }: DecodedLayer): Inspected {
    this.#decoder.keep(layer, contents);
    return inspectedLayer(layer, bytes, contents, Promise.resolve(this.#verifies ? digestsOf(layer) : {}));
  }

  get #verifies(): boolean {
    return this.#options.verify ?? true;
  }
}

/** The index of a layer whose headers have been read. */
export function inspectedLayer(
  layer: Layer,
  bytes: LayerBytes,
  { columns, contentSize, warnings, windowsRecords, isForWindows }: LayerContents,
  verified: Promise<LayerDigests>,
): Inspected {
  const said = {
    warnings: warnings.map((warning) => ofLayer(layer.name, warning)),
    windowsRecords: windowsRecords && ofLayer(layer.name, windowsRecords),
  };
  return { layer, bytes, entries: new EntryTable(columns), contentSize, isForWindows, verified, ...said };
}

/** Whether an error has nothing to do with where the layer comes from. */
function isFinal({ code }: DimgxError): boolean {
  return code.startsWith('DIMGX_LIMIT_') || code === 'DIMGX_ABORTED' || code === 'DIMGX_CALLBACK_FAILED';
}

/**
 * Uncompressed layers first, because their headers are read quickly. Then the largest first, so that all threads finish
 * at about the same time.
 */
function inWorkingOrder(layers: ReadonlyMap<string, StoredLayer>): [string, StoredLayer][] {
  const rank = (layer: StoredLayer) => (isPlain(layer) ? 0 : 1);
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
