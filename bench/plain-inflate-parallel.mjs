/**
 * What there is to beat for compressed layers on all processors: a thread for each inflates its share of the files as
 * `plain-inflate.mjs` does. The largest file is given out first, each to the thread that has least. Says how many bytes
 * came, a line for each thread.
 */
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

const files = process.argv.slice(2).map((path) => ({ path, size: statSync(path).size }));
const shares = Array.from({ length: Math.min(availableParallelism(), files.length) }, () => {
  return { bytes: 0, paths: /** @type {string[]} */ ([]) };
});
for (const { path, size } of files.sort((a, b) => b.size - a.size)) {
  const share = shares.reduce((least, other) => (other.bytes < least.bytes ? other : least));
  share.bytes += size;
  share.paths.push(path);
}
for (const { paths } of shares) new Worker(new URL('plain-inflate.mjs', import.meta.url), { argv: paths });
