import type { FileHandle } from 'node:fs/promises';
import { DimgxError } from '../errors.js';
import { openSpool } from '../file/spool.js';
import { algorithmOf, hexOf } from '../image/digest.js';
import type { Layer, StoredLayer } from '../image/image.js';
import type { InspectOptions } from '../options.js';
import type { Budget } from './budget.js';
import type { FillLevel } from './fill-level.js';
import type { LayerContents } from './index-layer.js';
import { keepIndex } from './kept-index.js';
import { compareDigest } from './layer-digests.js';
import type { LayerReport } from './layer-job.js';
import type { LayerWork } from './layer-work.js';

/** A layer whose headers were read another time. */
export interface KnownLayer {
  readonly contents: LayerContents;
  readonly filled: FillLevel;
}

/** Brings a layer anew that was damaged where its source keeps it. */
export type Refetch = (layer: Layer) => Promise<StoredLayer>;

/** Decodes compressed layers into spools of their own, and has their indexes kept beside them. */
export class LayerDecoder {
  readonly #work: LayerWork;
  readonly #options: InspectOptions;
  readonly #budget: Budget;
  readonly #refetch: Refetch;
  /** As they are opened: one that is still being opened must be closed, too. */
  readonly #spools: Promise<FileHandle>[] = [];
  readonly #keeping: Promise<void>[] = [];

  constructor(work: LayerWork, options: InspectOptions, budget: Budget, refetch: Refetch) {
    this.#work = work;
    this.#options = options;
    this.#budget = budget;
    this.#refetch = refetch;
  }

  /** An empty file for a layer. @throws DIMGX_SOURCE_NO_SPACE */
  openSpool(layer: StoredLayer): Promise<FileHandle> {
    const opening = openSpool(this.#options.tmpDir, layer.blob.length);
    this.#spools.push(opening);
    return opening;
  }

  /**
   * Decodes a layer, and compares its bytes with its digests. What turns out to be damaged is fetched anew, once, unless some
   * of it has been given out.
   *
   * @throws DIMGX_COMPRESSION_*, DIMGX_TAR_*, DIMGX_INSPECT_*, DIMGX_IMAGE_DIGEST_MISMATCH, DIMGX_IMAGE_SIZE_MISMATCH,
   *   DIMGX_SOURCE_*, DIMGX_ABORTED
   */
  async decode(layer: StoredLayer, spool: FileHandle, known?: KnownLayer): Promise<LayerReport> {
    try {
      return await this.#decodeOnce(layer, spool, known);
    } catch (failure) {
      const isGivenOut = known !== undefined && known.filled.length > 0;
      if (!layer.keeper || isGivenOut || !(await this.#isDamaged(layer))) throw failure;
      await layer.keeper.discard();
      const again = await this.#refetch(layer);
      await spool.truncate();
      const report = await this.#decodeOnce(again, spool, known);
      if (known) this.keep(again, known.contents);
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
    const report = await this.#work.run(layer, job, 'inspect', storedAlgorithm ? known?.filled : undefined);
    if (digest && storedAlgorithm) compareDigest(layer, digest, report.storedHash);
    if (diffId && plainAlgorithm) compareDigest(layer, diffId, report.plainHash);
    if (known && report.length !== known.contents.length)
      throw otherLength(layer, report.length, known.contents.length);
    return report;
  }

  /** Keeps the index of a layer that has been compared, where its source keeps anything. */
  keep(layer: StoredLayer, contents: LayerContents): void {
    if (this.#verifies) this.#keeping.push(keepIndex(layer, contents));
  }

  /** To be called when nobody decodes any more. */
  async close(): Promise<void> {
    await Promise.all(this.#keeping);
    const spools = await Promise.allSettled(this.#spools.splice(0));
    await Promise.all(spools.map((spool) => spool.status === 'fulfilled' && spool.value.close()));
  }

  async #isDamaged(layer: StoredLayer): Promise<boolean> {
    const { blob, digest } = layer;
    if (!digest || this.#options.signal?.aborted) return false;
    const { hashes } = await this.#work.run(layer, { kind: 'hash', blob, algorithms: [algorithmOf(digest)] }, 'verify');
    return hashes?.[0] !== hexOf(digest);
  }

  get #verifies(): boolean {
    return this.#options.verify ?? true;
  }
}

function otherLength(layer: Layer, length: number | undefined, known: number): DimgxError {
  const message = `layer ${layer.name} is damaged: it comes to ${length} bytes, where it came to ${known}`;
  return new DimgxError('DIMGX_IMAGE_SIZE_MISMATCH', message, { layer: layer.name });
}
