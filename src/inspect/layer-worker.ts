import { parentPort, workerData } from 'node:worker_threads';
import { readRegionSync } from '../base/io/region.js';
import { writeAtSync } from '../base/io/spool.js';
import { TerminationGate, type ThreadAnswer, type ThreadData } from '../base/worker/thread-task.js';
import { DimgxError } from '../errors.js';
import type { LayerIo } from './index-layer.js';
import { type LayerJob, runLayerJob } from './layer-job.js';

/** Worker-thread side of a thread pool for layers: one job at a time, with synchronous I/O. */

/** In bytes. */
const PROGRESS_STEP = 8 * 1024 * 1024;
const gate = new TerminationGate((workerData as ThreadData).gate);
const io: LayerIo = {
  read: readRegionSync,
  paced: (read) => read,
  write: writeAtSync,
  whole: (work) => gate.hold(work),
};

function answer(message: ThreadAnswer, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

parentPort?.on('message', async (job: LayerJob) => {
  let progress = 0;
  try {
    const report = await runLayerJob(job, io, (bytes) => {
      progress += bytes;
      if (progress < PROGRESS_STEP) return;
      answer({ kind: 'progress', progress });
      progress = 0;
    });
    answer({ kind: 'progress', progress });
    const tables = [report.contents, ...(report.followed ?? []).map(({ contents }) => contents)];
    const columns = tables
      .flatMap((table) => Object.values(table?.columns ?? {}))
      .filter((column) => ArrayBuffer.isView(column));
    answer(
      { kind: 'done', report },
      columns.map((column) => column.buffer as ArrayBuffer),
    );
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    const code = error instanceof DimgxError ? error.code : 'DIMGX_INTERNAL';
    const details = error instanceof DimgxError ? error.details : {};
    answer({ kind: 'failed', code, message, stack, details });
  }
});

answer({ kind: 'ready' });
