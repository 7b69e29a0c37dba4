import { createHash } from 'node:crypto';
import { RebuiltFiles, RebuiltReading, type RebuiltRegion } from '../base/io/rebuilt-region.js';
import { hashRegion, type ReadAt, sourceEnded } from '../base/io/region.js';
import type { Limits } from '../base/limits.js';
import { SharedLength } from '../base/worker/shared-length.js';
import type { LayerContents, PlainRegion } from '../layer/layer-index.js';
import { type FollowedLayer, followArchive } from './arrive/follow-archive.js';
import { Budget } from './budget.js';
import { type DecodeRequest, decodeLayer, indexPlainLayer, type LayerIo, type OnBytes } from './index-layer.js';

/** Work on one layer, as a value that can be sent to another thread. */
export type LayerJob =
  | { readonly kind: 'index'; readonly blob: PlainRegion<number>; readonly budget: BudgetShare }
  /** Reads the layers of an archive that is still being written. `length` is the memory of a `SharedLength`. */
  | {
      readonly kind: 'follow';
      readonly fd: number;
      readonly length: SharedArrayBuffer;
      readonly limits: Limits;
      readonly hashes: boolean;
    }
  | { readonly kind: 'hash'; readonly blob: PlainRegion<number>; readonly algorithms: readonly string[] }
  /** Compares the files that a layer is rebuilt from with their checksums. */
  | { readonly kind: 'checksum'; readonly blob: RebuiltRegion<number> }
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
    await reading(job.blob, io, (read) => hashRegion(read, job.blob.length, hashes, onBytes));
    return { hashes: hashes.map((hash) => hash.digest('hex')) };
  }
  if (job.kind === 'checksum') {
    requireChecksums(job.blob);
    return {};
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

/** Reads all bytes of an uncompressed layer, wherever they are. */
async function reading<T>(blob: PlainRegion<number>, io: LayerIo, work: (read: ReadAt) => Promise<T>): Promise<T> {
  if (!blob.rebuilding) return work(io.read(blob));
  const rebuilt = new RebuiltReading(blob, 'all');
  try {
    return await work(io.paced(rebuilt.read));
  } finally {
    rebuilt.close();
  }
}

/** @throws DIMGX_STORE_FILE_CHANGED for the first file that has other contents than when the layer was stored */
function requireChecksums({ rebuilding }: RebuiltRegion<number>): void {
  const files = new RebuiltFiles(rebuilding);
  try {
    for (let file = 0; file < rebuilding.pieces.size.length; file++) files.requireChecksum(file);
  } finally {
    files.close();
  }
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
