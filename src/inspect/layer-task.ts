import type { RebuiltRegion } from '../base/io/rebuilt-region.js';
import type { RegionFile } from '../base/io/region.js';
import type { Limits } from '../base/limits.js';
import type { SharedLength } from '../base/worker/shared-length.js';
import type { ThreadTask } from '../base/worker/thread-task.js';
import type { StoredRegion } from '../compression/packed-region.js';
import type { PlainRegion } from '../layer/layer-index.js';
import type { Budget } from './budget.js';
import type { OnBytes } from './index-layer.js';
import type { LayerJob, LayerReport } from './layer-job.js';
import type { LocalLane } from './local-lane.js';

/** A job whose files are held open. */
interface OpenTask {
  readonly job: LayerJob;
  /** Call this once nothing uses the job's files any more. */
  release(): void;
}

/** Work on one layer. Its files are opened when a thread is free to do it. */
export interface LayerTask {
  readonly kind: LayerJob['kind'];
  /** Amount of work, in bytes. */
  readonly size: number;
  /** @throws what `RegionFile.hold` throws; what opening a spool throws */
  open(): Promise<OpenTask>;
}

/** Reads the headers of an uncompressed layer. */
export function indexTask(blob: PlainRegion, budget: Budget): LayerTask {
  return task('index', blob, (file) => ({ kind: 'index', blob: { ...blob, file }, budget: shareOf(budget) }));
}

export function hashTask(blob: PlainRegion, algorithms: readonly string[]): LayerTask {
  return task('hash', blob, (file) => ({ kind: 'hash', blob: { ...blob, file }, algorithms }));
}

/** Finds the first file whose contents are not what they were when the layer was stored. */
export function checksumTask(blob: RebuiltRegion): LayerTask {
  return task('checksum', blob, (file) => ({ kind: 'checksum', blob: { ...blob, file } }));
}

/** Reads the layers of an archive that is still being written. */
export function followTask(spool: RegionFile, length: SharedLength, limits: Limits, hashes: boolean): LayerTask {
  return task('follow', { file: spool, length: 0 }, (fd) => ({
    kind: 'follow',
    fd,
    length: length.memory,
    limits,
    hashes,
  }));
}

/** Where the uncompressed bytes of a layer are kept. */
export interface SpoolPlace {
  readonly file: RegionFile;
  /** Offset of its first byte in the file, in bytes. */
  readonly offset: number;
  /** Maximum length, in bytes. */
  readonly room: number;
}

/** How a layer is decoded. */
export type Decoding = Pick<
  Extract<LayerJob, { kind: 'decode' }>,
  'compression' | 'arriving' | 'storedAlgorithm' | 'plainAlgorithm'
>;

/** @param place provides a place to keep the uncompressed bytes, if there is one; called when the work starts */
export function decodeTask(
  blob: StoredRegion,
  decoding: Decoding,
  budget: Budget,
  place: () => Promise<SpoolPlace | undefined>,
): LayerTask {
  const open = async (): Promise<OpenTask> => {
    const spool = await place();
    const fd = await spool?.file.hold();
    try {
      const job: LayerJob = {
        kind: 'decode',
        ...decoding,
        blob: { ...blob, file: await blob.file.hold() },
        spool: spool && fd !== undefined ? { fd, offset: spool.offset, room: spool.room } : undefined,
        budget: shareOf(budget),
      };
      const release = () => {
        blob.file.release();
        spool?.file.release();
      };
      return { job, release };
    } catch (failure) {
      spool?.file.release();
      throw failure;
    }
  };
  return { kind: 'decode', size: decoding.arriving ? 0 : blob.length, open };
}

function task(
  kind: LayerJob['kind'],
  { file, length }: Pick<PlainRegion, 'file' | 'length'>,
  jobOf: (fd: number) => LayerJob,
): LayerTask {
  return {
    kind,
    size: length,
    open: async () => ({ job: jobOf(await file.hold()), release: () => file.release() }),
  };
}

/** A class instance cannot be sent to another thread. */
function shareOf({ limits, counters }: Budget) {
  return { limits, counters };
}

/** @param lane runs the task if there are no threads; without a lane, the task then fails */
export function threadTask(task: LayerTask, onBytes: OnBytes, lane?: LocalLane): ThreadTask<LayerReport> {
  return {
    size: task.size,
    open: () => task.open(),
    onProgress: (bytes) => onBytes(bytes as number),
    runHere: async () => {
      if (lane) return lane.run(task, onBytes);
      throw new NoThreads();
    },
  };
}

/** No thread can be started, and this thread would be waiting for itself. */
export class NoThreads extends Error {}
