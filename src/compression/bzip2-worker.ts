import { parentPort, workerData } from 'node:worker_threads';
import { Libbz2 } from './libbz2.js';

/** The worker thread's side of `Bzip2Threads`: makes a stream of each piece that comes. Ends when it is told to. */

export interface Bzip2WorkerData {
  readonly libbz2: WebAssembly.Module;
  readonly level: number;
}

const { libbz2: compiled, level } = workerData as Bzip2WorkerData;
const libbz2 = new Libbz2(compiled);

parentPort?.on('message', (piece: Uint8Array | null) => {
  if (piece === null) {
    parentPort?.close();
    return;
  }
  const stream = libbz2.compress(piece, level);
  parentPort?.postMessage(stream, [stream.buffer as ArrayBuffer]);
});
