import { encodedRegion } from '../compression/packed-region.js';
import { DimgxError } from '../errors.js';
import type { Layer, StoredLayer } from '../image/layer.js';
import { keepIndex } from '../layer/kept-index.js';
import { compareDigest, type LayerBytes, type LayerContents } from '../layer/layer-index.js';
import type { InspectOptions } from '../options.js';
import { algorithmOf, hexOf } from '../reference/digest.js';
import type { Budget } from './budget.js';
import type { LayerReport } from './layer-job.js';
import type { LayerWork } from './layer-runner.js';
import { decodeTask, hashTask } from './layer-task.js';
import type { Spools, TakenPlace } from './spools.js';

/** A layer that was decoded, and whose headers have been read. */
export interface DecodedLayer {
  readonly contents: LayerContents;
  /** Hex. */
  readonly plainHash?: string | undefined;
  readonly bytes: LayerBytes;
}

/** Fetches a layer again because the copy its source keeps is damaged. */
export type Refetch = (layer: Layer) => Promise<StoredLayer>;

/** Dependencies of the decoder. */
interface DecoderNeeds {
  readonly budget: Budget;
  readonly spools: Spools;
  readonly refetch: Refetch;
}

/** Decodes layers for their headers and digests, and has the layers' sources keep their indexes. */
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

  /**
   * Decodes a layer and compares its bytes with its digests. A damaged layer is fetched again, once.
   *
   * @throws DIMGX_COMPRESSION_*, DIMGX_TAR_*, DIMGX_ENTRY_*, DIMGX_LIMIT_*, DIMGX_IMAGE_DIGEST_MISMATCH,
   *   DIMGX_IMAGE_SIZE_MISMATCH, DIMGX_SOURCE_*, DIMGX_ABORTED
   */
  async decode(layer: StoredLayer): Promise<DecodedLayer> {
    try {
      return await this.#decodeOnce(layer);
    } catch (failure) {
      if (!(await this.#isDamaged(layer))) throw failure;
      return await this.#decodeOnce(await this.#fetchAgain(layer));
    }
  }

  async #decodeOnce(layer: StoredLayer): Promise<DecodedLayer> {
    const { blob, compression, digest, diffId } = layer;
    const storedAlgorithm = this.#verifies && digest ? algorithmOf(digest) : undefined;
    const plainAlgorithm = this.#verifies && diffId ? algorithmOf(diffId) : undefined;
    let place: TakenPlace | undefined;
    const task = decodeTask(
      encodedRegion(blob),
      { compression, storedAlgorithm, plainAlgorithm },
      this.#budget,
      async () => {
        place = await this.#spools.take(blob.length);
        return place;
      },
    );
    let kept = 0;
    try {
      const report = await this.#work.run(layer, task, 'inspect');
      if (digest && this.#verifies) compareDigest(layer, digest, report.storedHash);
      if (diffId && this.#verifies) compareDigest(layer, diffId, report.plainHash);
      const decoded = decodedLayer(layer, report, place);
      if (report.isSpooled) kept = decoded.bytes.length;
      return decoded;
    } catch (failure) {
      // An archive that is compressed as a whole has been decoded before, without a fault.
      if (blob.archive) await blob.file.requireUnchanged();
      throw failure;
    } finally {
      await place?.giveBack(kept);
    }
  }

  /**
   * Compares the stored bytes of a layer with their digest. A damaged layer is fetched again, once.
   *
   * @returns the layer that is good
   * @throws DIMGX_IMAGE_DIGEST_MISMATCH, DIMGX_SOURCE_*, DIMGX_ABORTED
   */
  async checked(layer: StoredLayer): Promise<StoredLayer> {
    return (await this.#isDamaged(layer)) ? this.#fetchAgain(layer) : layer;
  }

  /**
   * Compares the stored bytes of a layer with their digest, while they are being read.
   *
   * @throws as `checked`. A damaged copy has then been discarded, so that the next call fetches it again
   */
  async check(layer: StoredLayer): Promise<void> {
    const { digest, keeper } = layer;
    if (!digest) return;
    const actual = await this.#hash(layer, algorithmOf(digest));
    if (actual === hexOf(digest)) return;
    await keeper?.discard();
    const message = `layer ${layer.name} was damaged where it is kept, and has been removed from there: try again`;
    throw new DimgxError('DIMGX_IMAGE_DIGEST_MISMATCH', message, { layer: layer.name });
  }

  /** Keeps the index of a verified layer, if the layer's source keeps anything. */
  keep(layer: StoredLayer, contents: LayerContents): void {
    if (this.#verifies) this.#keeping.push(keepIndex(layer, contents));
  }

  /** Call this once nothing is being decoded any more. */
  async close(): Promise<void> {
    await Promise.all(this.#keeping);
  }

  async #fetchAgain(layer: StoredLayer): Promise<StoredLayer> {
    await layer.keeper?.discard();
    return this.#refetch(layer);
  }

  /** Whether the layer can be fetched again, and should be. */
  async #isDamaged(layer: StoredLayer): Promise<boolean> {
    const { digest, keeper } = layer;
    if (!digest || !keeper || this.#options.signal?.aborted) return false;
    return (await this.#hash(layer, algorithmOf(digest))) !== hexOf(digest);
  }

  async #hash(layer: StoredLayer, algorithm: string): Promise<string | undefined> {
    const blob = encodedRegion(layer.blob);
    if (blob.archive) throw new Error('a layer that its source keeps is not part of an archive');
    const { hashes } = await this.#work.run(layer, hashTask(blob, [algorithm]), 'verify');
    return hashes?.[0];
  }

  get #verifies(): boolean {
    return this.#options.verify ?? true;
  }
}

/**
 * What a decoding task found.
 *
 * @param place where it kept the uncompressed bytes, if it did
 */
export function decodedLayer(
  { blob, compression }: Pick<StoredLayer, 'blob' | 'compression'>,
  { contents, plainHash, isSpooled = false }: LayerReport,
  place: TakenPlace | undefined,
): DecodedLayer {
  const { length, decoderMemory } = contents as LayerContents;
  const known = { length, isChecked: true };
  const bytes: LayerBytes =
    place && isSpooled
      ? { stored: { file: place.file, offset: place.offset, length }, compression: 'none', decoderMemory: 0, ...known }
      : { stored: blob, compression, decoderMemory, ...known };
  return { contents: contents as LayerContents, plainHash, bytes };
}
