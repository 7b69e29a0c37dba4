import { type ChildProcess, spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';

export interface FetchingProcess {
  readonly process: ChildProcess;
  /** Resolves when the process is about to ask the cache for the blobs. Never, if it ends before that. */
  readonly asks: Promise<void>;
  /** The digests of the bytes read from the cache; `undefined` if it was killed. @throws its messages if it failed */
  readonly ended: Promise<string | undefined>;
}

export interface FetchOrder {
  /** The folder of the cache. */
  readonly cache: string;
  readonly blobs: readonly { readonly digest: string; readonly size: number; readonly source: string }[];
  /** A line `DIGEST FROM BYTES` is appended for each piece transferred. */
  readonly log: string;
  /** Between two pieces, in milliseconds. */
  readonly pause?: number;
  /** Number of pieces of a blob after which the transfer stops. The process then stays until it is killed. */
  readonly stopAfter?: number;
}

const PIECE = 64 * 1024;

const SCRIPT = `
  import { createHash } from 'node:crypto';
  import { appendFileSync, readFileSync, writeSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { readRegion } from '#dimgx/base/io/region.js';
  import { openBlobCache } from '#dimgx/cache/open-blob-cache.js';
  const { cache: folder, blobs, log, pause = 0, stopAfter = Infinity } = JSON.parse(process.argv[1]);
  const warn = ({ message }) => { throw new Error(message); };
  const cache = await openBlobCache({ cache: folder, env: {}, warn });
  writeSync(3, 'asks');
  const read = await Promise.all(blobs.map(async ({ digest, size, source }) => {
    const blob = await cache.fetch(digest, size, async ({ fd, from }) => {
      const bytes = readFileSync(source);
      for (let at = from; at < bytes.length; at += ${PIECE}) {
        const piece = bytes.subarray(at, at + ${PIECE});
        writeSync(fd, piece, 0, piece.length, at);
        appendFileSync(log, [digest, at, piece.length].join(' ') + '\\n');
        await sleep(at / ${PIECE} + 1 < stopAfter ? pause : 2 ** 31 - 1);
      }
    });
    const bytes = Buffer.alloc(blob.region.length);
    await readRegion(blob.region)(bytes, 0);
    await blob.close();
    return 'sha256:' + createHash('sha256').update(bytes).digest('hex');
  }));
  await cache.close();
  console.log(read.join(' '));
`;

/** Starts a process that fetches blobs into a cache, all at the same time, and reads them. */
export function startFetching(order: FetchOrder): FetchingProcess {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const asks = new Promise<void>((resolve) => child.stdio[3]?.once('data', () => resolve()));
  onTestFinished(() => void child.kill('SIGKILL'));
  const said: Record<'out' | 'err', Buffer[]> = { out: [], err: [] };
  child.stdout?.on('data', (chunk: Buffer) => said.out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => said.err.push(chunk));
  const ended = new Promise<string | undefined>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(said.out).toString().trim());
      else if (signal) resolve(undefined);
      else reject(new Error(Buffer.concat(said.err).toString()));
    });
  });
  return { process: child, asks, ended };
}
