import { createHash } from 'node:crypto';
import { hashRegion, type OpenRegion, sourceEnded } from '../base/io/region.js';
import type { Limits } from '../base/limits.js';
import { SharedLength } from '../base/worker/shared-length.js';
import type { LayerContents } from '../layer/layer-index.js';
import { type FollowedLayer, followArchive } from './arrive/follow-archive.js';
import { Budget } from './budget.js';
import { type DecodeRequest, decodeLayer, indexPlainLayer, type LayerIo, type OnBytes } from './index-layer.js';

/** Work on one layer, as a value that can be sent to another thread. */
export type LayerJob =
  | { readonly kind: 'index'; readonly blob: OpenRegion; readonly budget: BudgetShare }
  /** Reads the layers of an archive that is still being written. `length` is the memory of a `SharedLength`. */
  | {
      readonly kind: 'follow';
      readonly fd: number;
      readonly length: SharedArrayBuffer;
      readonly limits: Limits;
      readonly hashes: boolean;
    }
  | { readonly kind: 'hash'; readonly blob: OpenRegion; readonly algorithms: readonly string[] }
  | (DecodeRequest & {
      readonly kind: 'decode';
      /** Memory of a `SharedLength`, if the blob is still being written. */
      readonly arriving?: SharedArrayBuffer;
      /** Hash algorithms for the stored and the uncompressed bytes. `undefined`: do not hash. */
      readonly storedAlgorithm: string | undefined;
      readonly plainAlgorithm: string | undefined;
      readonly budget: BudgetShare;
    });

interface BudgetShare {
  readonly limits: Limits;
  readonly counters: SharedArrayBuffer;
}

/** Result of a job: hex digests of what was hashed, and contents if headers were read. */
export interface LayerReport {
  readonly contents?: LayerContents | undefined;
  /** Whether the spool has all bytes of a layer that was decoded. */
  readonly isSpooled?: boolean;
  readonly followed?: readonly FollowedLayer[];
  /** Hex, in the order of `algorithms`. */
  readonly hashes?: readonly string[];
  readonly storedHash?: string | undefined;
  readonly plainHash?: string | undefined;
}

/** Runs a job in the calling thread. */
export async function runLayerJob(job: LayerJob, io: LayerIo, onBytes: OnBytes): Promise<LayerReport> {
  if (job.kind === 'hash') {
    const hashes = job.algorithms.map((algorithm) => createHash(algorithm));
    await hashRegion(io.read(job.blob), job.blob.length, hashes, onBytes);
    return { hashes: hashes.map((hash) => hash.digest('hex')) };
  }
  if (job.kind === 'follow') {
    const read = io.read({ file: job.fd, offset: 0, length: Number.MAX_SAFE_INTEGER });
    return { followed: await followArchive(read, new SharedLength(job.length), job.limits, job.hashes) };
  }
  const budget = new Budget(job.budget.limits, job.budget.counters);
  if (job.kind === 'index') {
    const contents = await indexPlainLayer(job.blob, io, budget);
    onBytes(job.blob.length);
    return { contents };
  }
  const stored = job.storedAlgorithm === undefined ? undefined : createHash(job.storedAlgorithm);
  const plain = job.plainAlgorithm === undefined ? undefined : createHash(job.plainAlgorithm);
  const behind = job.arriving ? { ...io, read: readBehind(io, new SharedLength(job.arriving), job.blob.offset) } : io;
  const decoded = await decodeLayer(job, { stored, plain }, behind, budget, onBytes);
  return { ...decoded, storedHash: stored?.digest('hex'), plainHash: plain?.digest('hex') };
}

/**
 * Makes reads block the thread until the bytes have arrived.
 *
 * @param start offset of the arriving bytes in their file
 */
function readBehind(io: LayerIo, arrived: SharedLength, start: number): LayerIo['read'] {
  return (region) => {
    const read = io.read(region);
    return (into, position) => {
      const end = region.offset - start + position + into.length;
      if (arrived.waitFor(end) < end) sourceEnded();
      return read(into, position);
    };
  };
}
