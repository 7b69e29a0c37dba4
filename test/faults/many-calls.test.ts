import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { layerOf } from '../helpers/built-image.js';
import { docker25Archive } from '../helpers/docker-archive.js';
import { writeArchive } from '../helpers/members.js';
import { runScript } from '../helpers/run-script.js';
import { shortOrLong } from '../helpers/short-or-long.js';

const LIBRARY = new URL('../../dist/index.js', import.meta.url).href;

/** Answers requests with flat images, all at once, and tells what it took: threads and descriptors more than before. */
const SERVER = `
  import { createHash } from 'node:crypto';
  import { readdirSync } from 'node:fs';
  import { createServer, get } from 'node:http';
  const { flatten } = await import(${JSON.stringify(LIBRARY)});
  const [image, count] = process.argv.slice(1);
  const server = createServer((_request, answer) => void flatten(image, answer).catch((failure) => answer.destroy(failure)));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const one = () => new Promise((resolve, reject) => {
    get({ port: server.address().port, host: '127.0.0.1', agent: false }, async (answer) => {
      const hash = createHash('sha256');
      for await (const piece of answer) hash.update(piece);
      resolve(hash.digest('hex'));
    }).on('error', reject);
  });
  await one();
  const counts = () => ['task', 'fd'].map((what) => readdirSync('/proc/self/' + what).length);
  const before = counts();
  const most = [0, 0];
  const timer = setInterval(() => counts().forEach((n, i) => (most[i] = Math.max(most[i], n - before[i]))), 2);
  const hashes = await Promise.all(Array.from({ length: Number(count) }, one));
  clearInterval(timer);
  server.close();
  console.log(JSON.stringify({ answers: new Set(hashes).size, threads: most[0], files: most[1] }));
`;

/** Flattens an image several times at once, and tells how often that went well. */
const FLATTEN = `
  import { Writable } from 'node:stream';
  const { flatten } = await import(${JSON.stringify(LIBRARY)});
  const [image, count] = process.argv.slice(1);
  const nowhere = () => new Writable({ write: (_piece, _encoding, done) => done() });
  const calls = await Promise.allSettled(Array.from({ length: Number(count) }, () => flatten(image, nowhere())));
  console.log(calls.filter(({ status }) => status === 'fulfilled').length);
`;

async function imageOf(bytes: number): Promise<string> {
  const layers = [await layerOf({ a: randomBytes(bytes) }), await layerOf({ b: randomBytes(bytes) })];
  return writeArchive(docker25Archive([{ layers }], { gzip: true }));
}

test('a server flattens many small images at once without a thread for each', async () => {
  const { stdout, stderr, code } = await runScript(
    '"$DIMGX_NODE" --input-type=module --eval "$1" "$2" 40',
    SERVER,
    await imageOf(300_000),
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { answers, threads, files } = JSON.parse(stdout.toString());
  expect(answers).toBe(1);
  expect(threads).toBeLessThanOrEqual(2);
  // two sockets for each request, and a temporary file
  expect(files).toBeLessThanOrEqual(40 * 4);
});

test('calls share threads for large layers', async () => {
  const { stdout, code } = await runScript(
    '"$DIMGX_NODE" --input-type=module --eval "$1" "$2" "$3"',
    SERVER,
    await imageOf(6_000_000),
    `${shortOrLong(availableParallelism() + 2, 8)}`,
  );
  expect(code).toBe(0);
  const { answers, threads } = JSON.parse(stdout.toString());
  expect(answers).toBe(1);
  expect(threads).toBeLessThanOrEqual(availableParallelism());
});

test('calls wait for the descriptors of others where the system allows few', async () => {
  const { stdout, code } = await runScript(
    'ulimit -n 100; "$DIMGX_NODE" --input-type=module --eval "$1" "$2" 80',
    FLATTEN,
    await imageOf(300_000),
  );
  expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: '80\n' });
});

test('the work is done without threads where Node may start none', async () => {
  const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
  const { stdout, code } = await runScript(
    `"$DIMGX_NODE" ${flag} --allow-fs-read='*' --allow-fs-write='*' --input-type=module --eval "$1" "$2" 3`,
    FLATTEN,
    await imageOf(6_000_000),
  );
  expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: '3\n' });
});
