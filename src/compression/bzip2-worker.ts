import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadAnswer, ThreadData } from '../base/worker/thread-task.js';
import { Libbz2 } from './libbz2.js';

/** The worker's side of `Bzip2Threads`: compresses each piece that it receives into one stream. */

export interface Bzip2Job {
  readonly piece: Uint8Array;
  readonly level: number;
}

const libbz2 = new Libbz2((workerData as ThreadData).data as WebAssembly.Module);

function answer(message: ThreadAnswer, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

parentPort?.on('message', ({ piece, level }: Bzip2Job) => {
  const stream = libbz2.compress(piece, level);
  answer({ kind: 'done', report: stream }, [stream.buffer as ArrayBuffer]);
});

answer({ kind: 'ready' });
