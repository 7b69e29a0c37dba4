import type { ThreadTask } from '../base/worker/thread-task.js';
import type { OnBytes } from './index-layer.js';
import type { LayerReport } from './layer-job.js';
import type { LayerTask } from './layer-task.js';
import type { LocalLane } from './local-lane.js';

/** What a thread says while it works on a layer. */
export interface LayerProgress {
  readonly bytes: number;
  readonly spooled: number;
}

/** @param lane does the task where there are no threads; none: it fails then */
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

/** No thread can be started, and this one would wait for itself. */
export class NoThreads extends Error {}
