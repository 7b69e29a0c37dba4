import type { ThreadTask } from '../base/worker/thread-task.js';
import type { OnBytes } from './index-layer.js';
import type { LayerReport } from './layer-job.js';
import type { LayerTask } from './layer-task.js';
import type { LocalLane } from './local-lane.js';

/** Progress that a thread reports while it works on a layer. */
export interface LayerProgress {
  readonly bytes: number;
  readonly spooled: number;
}

/** @param lane runs the task if there are no threads; without a lane, the task then fails */
export function threadTask(task: LayerTask, onBytes: OnBytes, lane?: LocalLane): ThreadTask<LayerReport> {
  return {
    size: task.size,
    open: () => task.open(),
    onProgress: (progress) => {
      const { bytes, spooled } = progress as LayerProgress;
      onBytes(bytes, spooled);
    },
    runHere: async () => {
      if (lane) return lane.run(task, onBytes);
      throw new NoThreads();
    },
  };
}

/** No thread can be started, and this thread would be waiting for itself. */
export class NoThreads extends Error {}
