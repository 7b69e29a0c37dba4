import type { Region } from '../base/io/region.js';
import type { Warning } from '../errors.js';
import type { Layer, StoredLayer } from '../image/image.js';
import { EntryTable } from '../layer/entry-table.js';
import { FillLevel } from '../layer/fill-level.js';
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
import type { ArrivingBlobs, DecodedBlob } from './arrive/arriving-blobs.js';
import type { ArrivedLayer } from './arrive/arriving-layers.js';
import type { Budget } from './budget.js';
import { LayerDecoder, type Refetch } from './layer-decoder.js';
import { type LayerRunner, LayerWork } from './layer-runner.js';
import { hashTask, indexTask, type SpoolPlace } from './layer-task.js';
import type { Spools } from './spools.js';

/** An index that may be used for several positions in an image. */
export interface Inspected extends Omit<IndexedLayer, 'place' | 'forWindows'> {
  /** Warning to report in addition, unless the image is for Windows. */
  readonly windowsRecords: Warning | undefined;
  readonly isForWindows: boolean;
}

/** What was read while it arrived. */
interface Arrivals {
  readonly arrived: readonly ArrivedLayer[];
  readonly arrivingBlobs: ArrivingBlobs;
  /** The image's limits. Layers that were decoded while they arrived have already been counted. */
  readonly budget: Budget;
  readonly spools: Spools;
}

/** One call of `inspectLayers`: its threads, its spools, and the result for each layer. */
export class Inspection {
  readonly #runner: LayerRunner;
  readonly #options: InspectOptions;
  readonly #budget: Budget;
  readonly #arrived: readonly ArrivedLayer[];
  readonly #arrivingBlobs: ArrivingBlobs;
  readonly #work: LayerWork;
  readonly #decoder: LayerDecoder;

  /** @param refetch fetches a layer again if the copy its source keeps is damaged */
  constructor(
    runner: LayerRunner,
    options: InspectOptions,
    { arrived, arrivingBlobs, budget, spools }: Arrivals,
    refetch: Refetch,
  ) {
    this.#runner = runner;
    this.#options = options;
    this.#arrived = arrived;
    this.#arrivingBlobs = arrivingBlobs;
    this.#budget = budget;
    this.#work = new LayerWork(runner, options);
    this.#decoder = new LayerDecoder(this.#work, options, { budget, spools, refetch });
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await this.#runner.close();
    await this.#decoder.close();
  }

  /**
   * Counts a layer's entries once per position in the image, although the layer is read only once.
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

  /** @param known what the layer's source has kept of it */
  async inspect(layer: StoredLayer, known: LayerContents | undefined): Promise<Inspected> {
    const { file, offset, length } = layer.blob;
    const arrived = this.#arrived.find(
      (each) => each.file === file && each.offset === offset && each.length === length,
    );
    if (arrived) return this.#takeArrived(layer, arrived);
    const decoded = await this.#arrivingBlobs.take(layer).catch((error: unknown) => this.#work.refuse(layer, error));
    if (decoded) return this.#takeDecoded(layer, decoded);
    return layer.compression === 'none' ? this.#inspectPlain(layer) : this.#inspectCompressed(layer, known);
  }

  /** The layer's headers were read and its bytes hashed while it arrived. */
  #takeArrived(layer: StoredLayer, { contents, sha256 }: ArrivedLayer): Inspected {
    this.#budget.spendBytes(contents.spentBytes);
    this.#budget.spendEntries(contents.columns.length);
    if (!this.#verifies) return this.#index(layer, layer.blob, contents, Promise.resolve({}));
    const named = digestsNamed(layer);
    const isHashed = named.every((digest) => algorithmOf(digest) === 'sha256');
    if (isHashed) for (const digest of named) compareDigest(layer, digest, sha256);
    const verified = isHashed ? Promise.resolve(digestsOf(layer)) : this.#verifyPlain(layer);
    verified.catch(() => undefined);
    return this.#index(layer, layer.blob, contents, verified);
  }

  /** The layer was decoded while it arrived, and its stored bytes match their digest. */
  #takeDecoded(layer: StoredLayer, { spool, report }: DecodedBlob): Inspected {
    if (layer.diffId && this.#verifies) compareDigest(layer, layer.diffId, report.plainHash);
    return this.#indexDecoded(layer, spool, report.contents as LayerContents);
  }

  async #inspectPlain(layer: StoredLayer): Promise<Inspected> {
    const verified = this.#verifies ? this.#verifyPlain(layer) : Promise.resolve({});
    verified.catch(() => undefined);
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
    const verified = decoded.then(() => (this.#verifies ? digestsOf(layer) : {}));
    verified.catch(() => undefined);
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
 * Whether an image is for Windows: its config says so, or a layer has the Windows layout, with Windows records below
 * both `Files` and `Hives`.
 *
 * @param os as in the config
 */
export function isForWindows(os: string | undefined, layers: readonly Pick<Inspected, 'isForWindows'>[]): boolean {
  return os?.toLowerCase() === 'windows' || layers.some((layer) => layer.isForWindows);
}

/**
 * Warnings to report for a layer. Unless the image is for Windows, Windows records are dropped and counted with the
 * other PAX records that are dropped.
 */
export function warningsOf(
  { warnings, windowsRecords }: Pick<Inspected, 'warnings' | 'windowsRecords'>,
  forWindows: boolean,
): readonly Warning[] {
  if (forWindows || !windowsRecords) return warnings;
  const { code, count } = windowsRecords;
  if (!warnings.some((warning) => warning.code === code)) return [...warnings, windowsRecords];
  return warnings.map((warning) => (warning.code === code ? { ...warning, count: warning.count + count } : warning));
}
