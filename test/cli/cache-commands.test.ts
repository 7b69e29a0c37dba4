import { chmod, mkdir, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import type { BlobCache } from '#dimgx/cache/blob-cache.js';
import { openBlobCache } from '#dimgx/cache/open-blob-cache.js';
import type { Digest } from '#dimgx/reference/digest.js';
import { blobOf, downloadOf, type MadeBlob, readDigest } from '../helpers/blobs.js';
import { archiveOf, temporaryFolder } from '../helpers/members.js';
import { callDimgxIn } from '../helpers/shared-dimgx.js';

let folder: string;
let cache: BlobCache;

beforeEach(async () => {
  folder = join(await temporaryFolder(), 'cache');
  cache = await open();
});

const open = () => openBlobCache({ cache: folder, env: {}, warn: ({ message }) => expect.unreachable(message) });

function dimgx(line: string, env: Readonly<Record<string, string>> = {}) {
  return callDimgxIn({ ...process.env, DIMGX_CACHE: folder, ...env }, ...line.split(' '));
}

const nameOf = ({ digest }: MadeBlob) => join(folder, 'blobs', digest.replace(':', '/'));

/** Puts blobs into the cache; each was last used a day after the one before it. */
async function keep(...contents: readonly (Buffer | string)[]): Promise<readonly MadeBlob[]> {
  const blobs = contents.map((each) => blobOf(Buffer.from(each)));
  for (const { digest, size, bytes } of blobs) {
    await (await cache.fetch(digest, size, downloadOf(bytes).download)).close();
  }
  await cache.close();
  for (const [i, blob] of blobs.entries()) await utimes(nameOf(blob), Date.UTC(2020, 0, 1 + i) / 1000, 1_500_000_000);
  return blobs;
}

describe('dimgx cache ls', () => {
  test('lists what is there, used last first, and makes nothing where there is nothing', async () => {
    await rm(folder, { recursive: true });
    const empty = { stdout: `0 B of at most 10 GB in ${folder}\n`, stderr: '', code: 0 };
    expect(await dimgx('cache ls')).toMatchObject(empty);
    await expect(stat(folder)).rejects.toThrow('ENOENT');
  });

  test('tells size, use and what it is', async () => {
    const tar = await archiveOf({ file: 'x' });
    const texts = ['{"layers":[]}', '{"manifests":[]}', '{"rootfs":{}}', gzipSync(tar), tar, 'else', '{"a":1}', '{'];
    const blobs = await keep(...texts);
    await cache.saveDerived((blobs[4] as MadeBlob).digest, [Buffer.alloc(100)]);
    await cache.remember('docker.io/library/alpine:3', (blobs[1] as MadeBlob).digest);
    await writeFile(join(folder, 'partial', `sha256-${'a'.repeat(64)}`), 'cut');
    const { stdout, stderr, code } = await dimgx('cache ls --json', { DIMGX_CACHE_SIZE: '1G' });
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const kinds = ['manifest', 'index', 'config', 'gzip', 'tar', null, null, null];
    expect(JSON.parse(stdout)).toEqual({
      folder,
      limit: 2 ** 30,
      size: blobs.reduce((sum, { size }) => sum + size, 103),
      blobs: blobs
        .map(({ digest, size }, i) => ({
          digest,
          size,
          indexSize: i === 4 ? 100 : 0,
          lastUsed: `2020-01-0${1 + i}T00:00:00.000Z`,
          kind: kinds[i],
          names: i === 1 ? ['docker.io/library/alpine:3'] : [],
        }))
        .reverse(),
      partial: [{ digest: `sha256:${'a'.repeat(64)}`, size: 3, lastWritten: expect.stringMatching(/^20.*Z$/) }],
    });
    const table = await dimgx('cache ls');
    expect(table.stdout).toMatch(/^DIGEST +SIZE +KIND +LAST USED +IMAGE\n/);
    expect(table.stdout).toMatch(new RegExp(`\n${blobs[0]?.digest} +13 B +manifest +\\d+ years ago\n`));
    expect(table.stdout).toMatch(/ index .* docker.io\/library\/alpine:3\n/);
    expect(table.stdout).toMatch(/\nsha256:a{64} +3 B +cut off +/);
    // To be listed is not to be used.
    expect((await dimgx('cache ls --json', { DIMGX_CACHE_SIZE: '1G' })).stdout).toBe(stdout);
  });
});

describe('dimgx cache verify', () => {
  test('finds all whole, which is no use of them', async () => {
    const [blob] = await keep('one', 'two');
    expect(await dimgx('cache verify')).toMatchObject({
      stdout: '2 blobs are intact, 6 B hashed\n',
      stderr: '',
      code: 0,
    });
    expect((await stat(nameOf(blob as MadeBlob))).atime).toEqual(new Date(Date.UTC(2020, 0, 1)));
  });

  test('names what is damaged, and discards it with what was derived from it', async () => {
    const [whole, changed, cut, folded] = (await keep('whole', 'changed', 'cut', 'folder')) as MadeBlob[];
    if (!whole || !changed || !cut || !folded) throw new Error('they were kept');
    await cache.saveDerived(changed.digest, [Buffer.alloc(100)]);
    await writeFile(nameOf(changed), 'Changed');
    await truncate(nameOf(cut), 1);
    const { stdout, stderr, code } = await dimgx('cache verify');
    expect(stdout.split('\n').sort()).toEqual(
      ['', '2 blobs are intact, 19 B hashed', `damaged: ${changed.digest}`, `damaged: ${cut.digest}`].sort(),
    );
    expect(stderr).toMatch(/^dimgx: DIMGX_CACHE_DAMAGED: 2 of 4 blobs .*\n$/);
    expect(code).toBe(2);
    expect(await dimgx('cache verify')).toMatchObject({ stdout: '2 blobs are intact, 11 B hashed\n', code: 0 });
    expect(await cache.loadDerived(changed.digest)).toBeUndefined();
    expect(await readDigest(await cache.fetch(cut.digest, 3, downloadOf(cut.bytes).download))).toBe(cut.digest);
    await cache.close();
  });
});

describe('dimgx cache prune', () => {
  test('leaves the cache alone when it is small enough, but for what was cut off long ago', async () => {
    await keep('one', 'two');
    for (const [name, days] of [
      ['a', 8],
      ['b', 6],
    ] as const) {
      const path = join(folder, 'partial', `sha256-${name.repeat(64)}`);
      await writeFile(path, 'cut');
      await utimes(path, new Date(), Date.now() / 1000 - days * 86_400);
    }
    expect(await dimgx('cache prune')).toMatchObject({ stdout: '3 B freed, 9 B kept\n', stderr: '', code: 0 });
    expect(await readdir(join(folder, 'partial'))).toEqual([`sha256-${'b'.repeat(64)}`]);
  });

  test.each([
    ['--size=6', {}],
    ['--size 6B', {}],
    ['', { DIMGX_CACHE_SIZE: '6' }],
    ['--all --size 6', {}],
  ])('removes what was used least recently: %s', async (options, env) => {
    const [first, second] = await keep('one', 'two', 'three');
    const stdout = `removed: ${first?.digest}\nremoved: ${second?.digest}\n6 B freed, 5 B kept\n`;
    expect(await dimgx(`cache prune ${options}`.trim(), env)).toMatchObject({ stdout, stderr: '', code: 0 });
  });

  test('removes all but what is being downloaded', async () => {
    const [one] = await keep('one', 'two');
    await cache.remember('registry/one:latest', one?.digest as Digest);
    const slow = blobOf(Buffer.from('slow'));
    let goOn = () => {};
    const fetching = cache.fetch(slow.digest, slow.size, async (target) => {
      await downloadOf(slow.bytes, 2)
        .download(target)
        .catch(() => undefined);
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      await downloadOf(slow.bytes).download({ ...target, from: 2 });
    });
    while ((await readdir(join(folder, 'partial'))).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 10));
    await writeFile(join(folder, 'partial', `sha256-${'a'.repeat(64)}`), 'cut');
    const { stdout } = await dimgx('cache prune --all');
    expect(stdout).toMatch(/\n9 B freed, 2 B kept\n$/);
    expect(await cache.recall('registry/one:latest')).toBeUndefined();
    goOn();
    expect(await readDigest(await fetching)).toBe(slow.digest);
    await cache.close();
    expect((await dimgx('cache prune --all')).stdout).toBe(`removed: ${slow.digest}\n4 B freed, 0 B kept\n`);
  });
});

describe('dimgx cache rm', () => {
  test('removes blobs by their first digits', async () => {
    const [one, two, three] = (await keep('one', 'two', 'three')) as MadeBlob[];
    const digests = [
      one?.digest.slice(7, 11),
      two?.digest.slice(0, 12),
      two?.digest.toUpperCase().replace('SHA', 'sha'),
    ];
    const { stdout, code } = await dimgx(`cache rm ${digests.join(' ')}`);
    expect({ stdout, code }).toEqual({ stdout: `removed: ${one?.digest}\nremoved: ${two?.digest}\n`, code: 0 });
    expect(JSON.parse((await dimgx('cache ls --json')).stdout).blobs).toMatchObject([{ digest: three?.digest }]);
  });

  test('removes nothing when one of them is unknown, ambiguous or too short', async () => {
    // The hashes of these begin alike.
    const [one] = await keep('blob 42', 'blob 253', 'else');
    for (const name of ['ffff0000', 'sha256:', one?.digest.slice(7, 10), one?.digest.slice(7, 11)]) {
      const { stdout, stderr, code } = await dimgx(`cache rm ${one?.digest} ${name}`);
      expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
      expect(stderr).toMatch(/^dimgx: DIMGX_CACHE_NO_SUCH_BLOB: ".*" does not name one blob: .*\n$/);
    }
    expect(JSON.parse((await dimgx('cache ls --json')).stdout).blobs).toHaveLength(3);
  });
});

describe('a cache that cannot be used is an error', () => {
  test.each(['ls', 'verify', 'prune', 'rm abcd'])('of dimgx cache %s', async (words) => {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o777);
    const { stdout, stderr, code } = await dimgx(`cache ${words}`);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
    expect(stderr).toMatch(/^dimgx: DIMGX_CACHE_UNUSABLE: the cache .* is writable by other users .*\n$/);
  });
});

describe('a command line', () => {
  test.each(['cache', 'cache bogus', 'cache ls x', 'cache ls -t x', 'cache rm', 'cache prune --size=much', 'cache -x'])(
    'that is wrong names the help of its command: dimgx %s',
    async (line) => {
      const { stdout, stderr, code } = await dimgx(line);
      expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
      const command = /^cache (ls|rm|prune)/.exec(line)?.[0] ?? 'cache';
      expect(stderr).toMatch(new RegExp(`^dimgx: DIMGX_USAGE: .*: see dimgx ${command} --help\\n$`));
    },
  );

  test('tells how a command is used', async () => {
    expect((await dimgx('cache --help')).stdout).toMatch(/^Usage: dimgx cache COMMAND\n(.*\n)+ {2}dimgx cache rm/);
    const { stdout } = await dimgx('cache prune --all --help --bogus');
    expect(stdout).toMatch(/^Usage: dimgx cache prune .*\n(.*\n)+ +--size=SIZE/);
    expect((await dimgx('--help')).stdout).toContain('dimgx cache verify');
  });

  test('with the name of a command behind an option is of an image', async () => {
    expect((await dimgx('--quiet ./cache')).stderr).toMatch(/^dimgx: DIMGX_SOURCE_NOT_FOUND: /);
  });
});
