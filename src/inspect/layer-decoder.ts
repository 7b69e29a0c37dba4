import { DimgxError } from '../errors.js';
import type { Layer, StoredLayer } from '../image/layer.js';
import type { FillLevel } from '../layer/fill-level.js';
import { keepIndex } from '../layer/kept-index.js';
import { compareDigest, type LayerContents } from '../layer/layer-index.js';
import type { InspectOptions } from '../options.js';
import { algorithmOf, hexOf } from '../reference/digest.js';
import type { Budget } from './budget.js';
import type { LayerReport } from './layer-job.js';
import type { LayerWork } from './layer-runner.js';
import { decodeTask, hashTask, type SpoolPlace } from './layer-task.js';
import type { Spools, TakenPlace } from './spools.js';

/** A layer whose headers were read and kept by an earlier call. */
export interface KnownLayer {
  readonly contents: LayerContents;
  readonly filled: FillLevel;
  /** Where its bytes will be written. */
  readonly spool: SpoolPlace;
}

/** A layer whose uncompressed bytes are available. */
export interface DecodedLayer {
  readonly spool: SpoolPlace;
  readonly report: LayerReport;
}

/** Fetches a layer again because the copy its source keeps is damaged. */
export type Refetch = (layer: Layer) => Promise<StoredLayer>;

/** Dependencies of the decoder. */
interface DecoderNeeds {
  readonly budget: Budget;
  readonly spools: Spools;
  readonly refetch: Refetch;
}

/** Decodes compressed layers into spools, and has the layers' sources keep their indexes. */
export class LayerDecoder {
  readonly #work: LayerWork;
  readonly #options: InspectOptions;
  readonly #budget: Budget;
  readonly #refetch: Refetch;
  readonly #spools: Spools;
  readonly #keeping: Promise<void>[] = [];

  constructor(work: LayerWork, options: InspectOptions, { budget, spools, refetch }: DecoderNeeds) {
    this.#work = work;
    this.#options = options;
    this.#budget = budget;
    this.#refetch = refetch;
    this.#spools = spools;
  }

  /** Allots a place to a layer of known length, in bytes. @throws DIMGX_SOURCE_NO_SPACE */
  allot(layer: StoredLayer, length: number): Promise<SpoolPlace> {
    return this.#spools.allot(length, layer.blob.length);
  }

  /**
   * Decodes a layer and compares its bytes with its digests. A damaged layer is fetched again, once, unless some of its
   * bytes have already been handed out.
   *
   * @throws DIMGX_COMPRESSION_*, DIMGX_TAR_*, DIMGX_ENTRY_*, DIMGX_LIMIT_*, DIMGX_IMAGE_DIGEST_MISMATCH,
   *   DIMGX_IMAGE_SIZE_MISMATCH, DIMGX_SOURCE_*, DIMGX_ABORTED
   */
  async decode(layer: StoredLayer, known?: KnownLayer): Promise<DecodedLayer> {
    try {
      return await this.#decodeOnce(layer, known);
    } catch (failure) {
      const isGivenOut = known !== undefined && known.filled.length > 0;
      if (!layer.keeper || isGivenOut || !(await this.#isDamaged(layer))) throw failure;
      await layer.keeper.discard();
      const again = await this.#refetch(layer);
      const decoded = await this.#decodeOnce(again, known);
      if (known) this.keep(again, known.contents);
      return decoded;
    }
  }

  /**
   * The uncompressed bytes of a known layer were verified by an earlier call. Its stored bytes are therefore checked
   * before decoding, so that it can be read while it is being decoded.
   */
  async #decodeOnce(layer: StoredLayer, known: KnownLayer | undefined): Promise<DecodedLayer> {
    const { blob, compression, digest, diffId } = layer;
    const storedAlgorithm = this.#verifies && digest ? algorithmOf(digest) : undefined;
    const plainAlgorithm = this.#verifies && diffId && !known ? algorithmOf(diffId) : undefined;
    const expected = known && digest && hexOf(digest);
    const decoding = { compression, reads: !known, storedAlgorithm, expected, plainAlgorithm };
    let taken: TakenPlace | undefined;
    const task = decodeTask(blob, decoding, this.#budget, async () => {
      if (known) return known.spool;
      taken = await this.#spools.take(blob.length);
      return taken;
    });
    let length = 0;
    try {
      const filled = storedAlgorithm ? known?.filled : undefined;
      const report = await this.#work.run(layer, task, 'inspect', filled);
      this.#compare(layer, report, known, plainAlgorithm !== undefined);
      length = report.length ?? 0;
      return { spool: known?.spool ?? (taken as SpoolPlace), report };
    } finally {
      taken?.giveBack(length);
    }
  }

  #compare(layer: Layer, report: LayerReport, known: KnownLayer | undefined, isPlainHashed: boolean): void {
    const { digest, diffId } = layer;
    if (digest && this.#verifies) compareDigest(layer, digest, report.storedHash);
    if (diffId && isPlainHashed) compareDigest(layer, diffId, report.plainHash);
    if (known && report.length !== known.contents.length)
      throw otherLength(layer, report.length, known.contents.length);
  }

  /** Keeps the index of a verified layer, if the layer's source keeps anything. */
  keep(layer: StoredLayer, contents: LayerContents): void {
    if (this.#verifies) this.#keeping.push(keepIndex(layer, contents));
  }

  /** Call this once nothing is being decoded any more. */
  async close(): Promise<void> {
    await Promise.all(this.#keeping);
  }

  async #isDamaged(layer: StoredLayer): Promise<boolean> {
    const { blob, digest } = layer;
    if (!digest || this.#options.signal?.aborted) return false;
    const { hashes } = await this.#work.run(layer, hashTask(blob, [algorithmOf(digest)]), 'verify');
    return hashes?.[0] !== hexOf(digest);
  }

  get #verifies(): boolean {
    return this.#options.verify ?? true;
  }
}

function otherLength(layer: Layer, length: number | undefined, known: number): DimgxError {
  const message = `layer ${layer.name} is damaged: it decodes to ${length} bytes, and to ${known} in an earlier run`;
  return new DimgxError('DIMGX_IMAGE_SIZE_MISMATCH', message, { layer: layer.name });
}
