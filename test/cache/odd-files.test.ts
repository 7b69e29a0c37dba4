import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { BlobCache } from '#dimgx/cache/blob-cache.js';
import { CacheFiles } from '#dimgx/cache/cache-files.js';
import { openBlobCache } from '#dimgx/cache/open-blob-cache.js';
import type { Warning } from '#dimgx/errors.js';
import { blobOf, downloadOf, type MadeBlob, randomBlob, readDigest } from '../helpers/blobs.js';
import { temporaryFolder } from '../helpers/members.js';
import { callDimgxIn } from '../helpers/shared-dimgx.js';

let folder: string;
let files: CacheFiles;
let warnings: Warning[];
let cache: BlobCache;
let blob: MadeBlob;

beforeEach(async () => {
  folder = join(await temporaryFolder(), 'cache');
  files = new CacheFiles(folder);
  warnings = [];
  cache = await openBlobCache({ cache: folder, env: {}, warn: (warning) => void warnings.push(warning) });
  blob = randomBlob(100_000);
});

/** The path of a socket may not be long: it gets its name later. What is left is a socket without a listener. */
async function makeSocket(path: string) {
  const short = join(await temporaryFolder(), 's');
  const server = createServer().listen(short);
  await once(server, 'listening');
  await rename(short, path);
  await new Promise((resolve) => server.close(resolve));
}

const KINDS: readonly [string, (path: string) => unknown][] = [
  ['a folder', (path) => mkdir(join(path, 'below'), { recursive: true })],
  ['a FIFO', (path) => execFileSync('mkfifo', [path])],
  ['a socket', makeSocket],
  ['a symlink to nothing', (path) => symlink('nowhere', path)],
  ['a symlink to itself', (path) => symlink(path, path)],
];

/** What is fetched is right, whatever lies where it would be kept; and the caller is told of it. */
async function fetchDespite() {
  const { download } = downloadOf(blob.bytes);
  expect(await readDigest(await cache.fetch(blob.digest, blob.size, download))).toBe(blob.digest);
  await cache.close();
  expect(warnings).toMatchObject([{ code: 'DIMGX_CACHE_NOT_USED' }]);
}

/** Makes what is to lie there, and the folder it lies in. */
async function put(path: string, make: (path: string) => unknown) {
  await mkdir(dirname(path), { recursive: true });
  await make(path);
}

describe.skipIf(process.platform === 'win32').each(KINDS)('%s', (_, make) => {
  test('in the place of a blob that is being downloaded is a warning', async () => {
    await put(files.partial(blob.digest), make);
    await fetchDespite();
  });

  test('in the place of a blob is a warning', async () => {
    await put(files.blob(blob.digest), make);
    await fetchDespite();
  });

  test('in the place of an index, or of a name, is none', async () => {
    await put(files.derived(blob.digest), make);
    await put(files.name('a'), make);
    expect(await cache.loadDerived(blob.digest)).toBeUndefined();
    expect(await cache.recall('a')).toBeUndefined();
    expect(await files.names()).toHaveLength(1);
  });

  test('in the place of a blob does not keep the commands waiting', async () => {
    const { digest } = blobOf(Buffer.from('whole'));
    await (await cache.fetch(digest, 5, downloadOf(Buffer.from('whole')).download)).close();
    await cache.close();
    await put(files.blob(blob.digest), make);
    const env = { ...process.env, DIMGX_CACHE: folder };
    expect(await callDimgxIn(env, 'cache', 'ls')).toMatchObject({ stderr: '', code: 0 });
    const { stderr } = await callDimgxIn(env, 'cache', 'verify');
    expect(stderr).not.toContain('INTERNAL');
  });
});

describe('a file', () => {
  test.each(['partial', 'claims', 'blobs/sha256'])('in the place of the folder %s is a warning', async (name) => {
    await rm(join(folder, name), { recursive: true, force: true });
    await put(join(folder, name), (path) => writeFile(path, ''));
    await fetchDespite();
  });
});
