import { execFileSync } from 'node:child_process';
import { ftruncateSync, writeSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, test } from 'vitest';
import { FolderCache } from '#dimgx/cache/folder-cache.js';
import { type BlobCacheOptions, openBlobCache } from '#dimgx/cache/open-blob-cache.js';
import type { Warning } from '#dimgx/errors.js';
import { blobOf, downloadOf, type MadeBlob, randomBlob, readDigest } from '../helpers/blobs.js';
import { whyNotHere } from '../helpers/engines.js';
import { temporaryFolder } from '../helpers/members.js';
import { cannotMount, smallDisk } from '../helpers/mounts.js';

/** Of the user, as `dimgx` in it does not exist yet. */
let caches: string;
let folder: string;
let warnings: Warning[];

beforeEach(async () => {
  caches = await temporaryFolder();
  folder = join(caches, 'dimgx');
  warnings = [];
});

/** Closed when the test is over: what is still being written would be in the way of removing its folder. */
async function open(options: Partial<BlobCacheOptions> = {}) {
  const warn = (warning: Warning) => void warnings.push(warning);
  const cache = await openBlobCache({ env: { XDG_CACHE_HOME: caches }, warn, ...options });
  onTestFinished(() => cache.close().catch(() => undefined)); // what it throws is a matter of the test's
  return cache;
}

const nameOf = ({ digest }: MadeBlob) => join(folder, 'blobs', digest.replace(':', '/'));

/** Everything below the folder of the cache that is a file. */
async function files(): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

const never = () => Promise.reject(new Error('it is there'));

describe('a cache', () => {
  it('gives what was fetched once, and lets it be found by other tools of OCI layouts', async () => {
    const blob = randomBlob(300_000);
    const { download, transfers } = downloadOf(blob.bytes);
    const cache = await open();
    expect(await cache.open(blob.digest)).toBeUndefined();
    expect(await readDigest(await cache.fetch(blob.digest, blob.size, download))).toBe(blob.digest);
    expect(await readDigest(await cache.open(blob.digest))).toBe(blob.digest);
    expect(await readDigest(await cache.fetch(blob.digest, blob.size, never))).toBe(blob.digest);
    await cache.close();
    expect(transfers).toEqual([{ from: 0, bytes: blob.size }]);
    expect(await readFile(nameOf(blob))).toEqual(blob.bytes);
    expect(await files()).toEqual([blob.digest.slice(7)]);
    expect(warnings).toEqual([]);
  });

  it('transfers a blob once for all that want it at the same time', async () => {
    const blob = randomBlob(1_000_000);
    const { download, transfers } = downloadOf(blob.bytes);
    const cache = await open();
    const got = await Promise.all([1, 2, 3, 4].map(() => cache.fetch(blob.digest, blob.size, download)));
    for (const each of got) expect(await readDigest(each)).toBe(blob.digest);
    expect(transfers).toHaveLength(1);
    await cache.close();
  });

  it('keeps an empty blob', async () => {
    const blob = blobOf(Buffer.alloc(0));
    const cache = await open();
    expect(await readDigest(await cache.fetch(blob.digest, 0, async () => {}))).toBe(blob.digest);
    await cache.close();
    expect(await readDigest(await cache.open(blob.digest))).toBe(blob.digest);
  });

  it('knows other algorithms, and no digest that is none', async () => {
    const cache = await open();
    const sha512 = `sha512:${execFileSync('sha512sum', { input: 'x' }).toString().slice(0, 128)}` as const;
    const { download } = downloadOf(Buffer.from('x'));
    expect(await readDigest(await cache.fetch(sha512, 1, download))).toBe(blobOf(Buffer.from('x')).digest);
    await expect(cache.open('sha256:../../../etc/passwd')).rejects.toMatchObject({ code: 'DIMGX_IMAGE_BAD_DIGEST' });
    await cache.close();
  });

  it('is private to its owner', async () => {
    const umask = process.umask(0);
    try {
      const blob = randomBlob(10);
      const cache = await open();
      await (await cache.fetch(blob.digest, blob.size, downloadOf(blob.bytes).download)).close();
      await cache.saveDerived(blob.digest, [Buffer.from('derived')]);
      await cache.close();
      for (const each of await readdir(caches, { recursive: true, withFileTypes: true })) {
        const { mode } = await stat(join(each.parentPath, each.name));
        expect(mode & 0o777, each.name).toBe(each.isFile() ? 0o600 : 0o700);
      }
    } finally {
      process.umask(umask);
    }
  });

  it('forgets what turned out to be damaged, and fetches it again', async () => {
    const blob = randomBlob(1000);
    const { download, transfers } = downloadOf(blob.bytes);
    const cache = await open();
    await (await cache.fetch(blob.digest, blob.size, download)).close();
    await cache.saveDerived(blob.digest, [Buffer.from('derived')]);
    await cache.discard(blob.digest);
    await cache.discard(blob.digest);
    expect([await cache.open(blob.digest), await cache.loadDerived(blob.digest)]).toEqual([undefined, undefined]);
    expect(await readDigest(await cache.fetch(blob.digest, blob.size, download))).toBe(blob.digest);
    expect(transfers).toHaveLength(2);
    await cache.close();
    await writeFile(nameOf(blob), blob.bytes.subarray(1));
    expect(await readDigest(await cache.fetch(blob.digest, blob.size, download))).toBe(blob.digest);
    expect(transfers).toHaveLength(3);
    await cache.close();
  });

  it('keeps what was derived from a blob beside it', async () => {
    const blob = randomBlob(10);
    const cache = await open();
    expect(await cache.loadDerived(blob.digest)).toBeUndefined();
    const parts = Array.from({ length: 3000 }, (_, i) => Buffer.alloc(i % 7, i));
    await cache.saveDerived(blob.digest, parts);
    expect(await cache.loadDerived(blob.digest)).toEqual(Buffer.concat(parts));
  });
});

describe('a caller that makes errors of warnings', () => {
  it('gets them when the cache is closed, if nobody waited', async () => {
    const blob = randomBlob(1000);
    const warn = ({ code }: Warning) => {
      throw new Error(code);
    };
    const cache = await open({ warn });
    const found = await cache.fetch(blob.digest, blob.size, async (target) => {
      await downloadOf(blob.bytes).download(target);
      await writeFile(join(folder, 'blobs'), 'in the way');
    });
    expect(await readDigest(found)).toBe(blob.digest);
    await expect(cache.close()).rejects.toThrow('DIMGX_CACHE_NOT_USED');
    expect(await readdir(join(folder, 'claims'))).toEqual([]);
  });
});

describe('the name of an image', () => {
  it('is remembered with what it stood for last, for all processes', async () => {
    const [first, second] = [randomBlob(1), randomBlob(1)];
    const cache = await open();
    expect(await cache.recall('docker.io/library/alpine:3')).toBeUndefined();
    for (const { digest } of [first, second]) await cache.remember('docker.io/library/alpine:3', digest);
    await cache.remember('localhost/../../etc/passwd', first.digest);
    expect(await (await open()).recall('docker.io/library/alpine:3')).toBe(second.digest);
    expect(await cache.recall('localhost/../../etc/passwd')).toBe(first.digest);
    expect(await cache.recall('docker.io/library/alpine:4')).toBeUndefined();
    expect(await readdir(join(folder, 'names'))).toHaveLength(2);
  });

  it('that stands for nothing sensible is not known', async () => {
    const cache = await open();
    await cache.remember('name', randomBlob(1).digest);
    const [file = ''] = await readdir(join(folder, 'names'));
    for (const text of ['', 'name', 'sha256:00\nname\n', `${randomBlob(1).digest}\nother\n`]) {
      await writeFile(join(folder, 'names', file), text);
      expect(await cache.recall('name')).toBeUndefined();
    }
  });
});

describe('a download', () => {
  it('that was cut goes on where it ended', async () => {
    const blob = randomBlob(500_000);
    const first = downloadOf(blob.bytes, 123_456);
    await expect((await open()).fetch(blob.digest, blob.size, first.download)).rejects.toThrow('the connection broke');
    expect(await (await open()).open(blob.digest)).toBeUndefined();
    const second = downloadOf(blob.bytes);
    expect(await readDigest(await (await open()).fetch(blob.digest, blob.size, second.download))).toBe(blob.digest);
    expect(second.transfers).toEqual([{ from: 123_456, bytes: 500_000 - 123_456 }]);
  });

  it('that was whole when the process died is not repeated', async () => {
    const blob = randomBlob(1000);
    await mkdir(join(folder, 'partial'), { recursive: true });
    await writeFile(join(folder, 'partial', blob.digest.replace(':', '-')), blob.bytes);
    expect(await readDigest(await (await open()).fetch(blob.digest, blob.size, never))).toBe(blob.digest);
  });

  test.each([
    ['is damaged', (bytes: Buffer) => Buffer.concat([Buffer.from('damaged'), bytes.subarray(7, 600)])],
    ['is too long', (bytes: Buffer) => Buffer.concat([bytes, bytes])],
    ['is as long as it may be, and damaged', (bytes: Buffer) => Buffer.from(bytes).fill(0, 0, 500)],
  ])('that goes on behind what %s begins anew', async (_, spoil) => {
    const blob = randomBlob(1000);
    await mkdir(join(folder, 'partial'), { recursive: true });
    await writeFile(join(folder, 'partial', blob.digest.replace(':', '-')), spoil(blob.bytes));
    const { download, transfers } = downloadOf(blob.bytes);
    expect(await readDigest(await (await open()).fetch(blob.digest, blob.size, download))).toBe(blob.digest);
    expect(transfers.at(-1)).toEqual({ from: 0, bytes: 1000 });
  });

  test.each([
    ['other bytes', (bytes: Buffer) => Buffer.from(bytes).reverse(), 'DIMGX_IMAGE_DIGEST_MISMATCH'],
    ['too few bytes', (bytes: Buffer) => bytes.subarray(1), 'DIMGX_IMAGE_SIZE_MISMATCH'],
    ['too many bytes', (bytes: Buffer) => Buffer.concat([bytes, bytes]), 'DIMGX_IMAGE_SIZE_MISMATCH'],
    ['nothing', () => Buffer.alloc(0), 'DIMGX_IMAGE_SIZE_MISMATCH'],
  ] as const)('of %s is refused, and nothing of it kept, with a cache and without', async (_, spoil, code) => {
    const blob = randomBlob(300_000);
    for (const cache of [await open(), await open({ cache: false })]) {
      const { download } = downloadOf(spoil(blob.bytes));
      await expect(cache.fetch(blob.digest, blob.size, download)).rejects.toMatchObject({ code: code });
      await cache.close();
      expect(await files()).toEqual([]);
      const good = downloadOf(blob.bytes);
      expect(await readDigest(await cache.fetch(blob.digest, blob.size, good.download))).toBe(blob.digest);
      await cache.close();
      expect(good.transfers).toEqual([{ from: 0, bytes: blob.size }]);
      await cache.discard(blob.digest);
    }
  });

  it.skipIf(process.platform !== 'linux')('cannot put other bytes in the place of those that were hashed', async () => {
    const blob = randomBlob(200_000);
    for (const cache of [await open(), await open({ cache: false })]) {
      const download = async ({ fd }: { readonly fd: number }) => {
        writeSync(fd, blob.bytes.subarray(0, 150_000), 0, 150_000, 0);
        await new Promise((resolve) => setTimeout(resolve, 100));
        writeSync(fd, Buffer.from('evil'), 0, 4, 0);
        writeSync(fd, blob.bytes.subarray(150_000), 0, 50_000, 150_000);
      };
      await expect(cache.fetch(blob.digest, blob.size, download)).rejects.toMatchObject({
        code: 'DIMGX_IMAGE_SIZE_MISMATCH',
      });
      const shrinking = async ({ fd }: { readonly fd: number }) => {
        writeSync(fd, blob.bytes, 0, 200_000, 0);
        await new Promise((resolve) => setTimeout(resolve, 100));
        ftruncateSync(fd, 0);
      };
      await expect(cache.fetch(blob.digest, blob.size, shrinking)).rejects.toMatchObject({
        code: 'DIMGX_IMAGE_SIZE_MISMATCH',
      });
      await cache.close();
    }
    expect(await files()).toEqual([]);
  });

  it('that somebody else is at is waited for, until the caller has had enough', async () => {
    const blob = randomBlob(1000);
    const controller = new AbortController();
    const cache = await open({ signal: controller.signal });
    let goOn = () => {};
    const stalled = (await open()).fetch(blob.digest, blob.size, async ({ fd }) => {
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      writeSync(fd, blob.bytes);
    });
    while ((await files()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const waiting = expect(cache.fetch(blob.digest, blob.size, never)).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    setTimeout(() => controller.abort(), 100);
    await waiting;
    goOn();
    expect(await readDigest(await stalled)).toBe(blob.digest);
  });

  it('that somebody else is at and does not get on with is made without the cache', async () => {
    const blob = randomBlob(1000);
    let goOn = () => {};
    const stopped = (await open()).fetch(blob.digest, blob.size, async ({ fd }) => {
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      writeSync(fd, blob.bytes);
    });
    while ((await files()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const reasons: string[] = [];
    const spools = await open({ cache: false });
    const impatient = {
      folder,
      limit: 2 ** 30,
      spools,
      notUsed: (reason: string) => reasons.push(reason),
      patience: 100,
    };
    const { download, transfers } = downloadOf(blob.bytes);
    expect(await readDigest(await new FolderCache(impatient).fetch(blob.digest, blob.size, download))).toBe(
      blob.digest,
    );
    expect({ transfers, reasons }).toEqual({
      transfers: [{ from: 0, bytes: 1000 }],
      reasons: [expect.stringContaining('makes no progress')],
    });
    goOn();
    expect(await readDigest(await stopped)).toBe(blob.digest);
  });

  it('is not made of a blob that is there, when a manifest tells another size', async () => {
    const blob = randomBlob(1000);
    const cache = await open();
    await (await cache.fetch(blob.digest, blob.size, downloadOf(blob.bytes).download)).close();
    for (const size of [999, 2000]) {
      await expect(cache.fetch(blob.digest, size, never)).rejects.toMatchObject({ code: 'DIMGX_IMAGE_SIZE_MISMATCH' });
    }
    expect(await readDigest(await cache.open(blob.digest))).toBe(blob.digest);
  });
});

describe('without a cache', () => {
  it('what is fetched lies in a temporary file, and is checked as well', async () => {
    const blob = randomBlob(1000);
    const cache = await open({ cache: false });
    expect(await readDigest(await cache.fetch(blob.digest, blob.size, downloadOf(blob.bytes).download))).toBe(
      blob.digest,
    );
    expect(await cache.open(blob.digest)).toBeUndefined();
    expect(await readdir(caches)).toEqual([]);
  });
});

describe('the folder', () => {
  const place = async (env: Record<string, string>, cache?: string) => {
    const blob = randomBlob(10);
    const opened = await open({ env, cache });
    await (await opened.fetch(blob.digest, blob.size, downloadOf(blob.bytes).download)).close();
    await opened.close();
    return (await readdir(caches)).sort();
  };

  it('is the one that was named, by an option or by DIMGX_CACHE, else in the cache folder of the user', async () => {
    const home = { HOME: join(caches, 'home'), XDG_CACHE_HOME: join(caches, 'xdg'), DIMGX_CACHE: join(caches, 'own') };
    expect(await place(home, join(caches, 'option'))).toEqual(['option']);
    expect(await place(home)).toEqual(['option', 'own']);
    expect(await place({ ...home, DIMGX_CACHE: '' })).toEqual(['option', 'own', 'xdg']);
    expect(await place({ HOME: home.HOME, XDG_CACHE_HOME: 'relative' })).toEqual(['home', 'option', 'own', 'xdg']);
    expect(await readdir(join(caches, 'home/.cache/dimgx'))).toContain('blobs');
    expect(await readdir(join(caches, 'xdg/dimgx'))).toContain('blobs');
  });

  it('of the user is made private when something else made it', async () => {
    await mkdir(folder);
    await chmod(folder, 0o775);
    await place({ XDG_CACHE_HOME: caches });
    expect(warnings).toEqual([]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('that was named stays as it is, and what is made in it is private', async () => {
    await mkdir(folder);
    await chmod(folder, 0o755);
    await place({ DIMGX_CACHE: folder });
    expect(warnings).toEqual([]);
    expect((await stat(folder)).mode & 0o777).toBe(0o755);
    expect((await stat(join(folder, 'blobs'))).mode & 0o777).toBe(0o700);
  });

  it('may be a symlink', async () => {
    await mkdir(join(caches, 'disk'));
    await symlink('disk', folder);
    await place({ XDG_CACHE_HOME: caches });
    expect(await readdir(join(caches, 'disk'))).toContain('blobs');
  });

  const isRefused = async (spoil: () => Promise<unknown>) => {
    await mkdir(join(folder, 'blobs'), { recursive: true });
    await spoil();
    await place({ DIMGX_CACHE: folder });
    expect(warnings).toEqual([expect.objectContaining({ code: 'DIMGX_CACHE_NOT_USED', count: 1 })]);
    expect(await files()).toEqual([]);
  };

  test.each([
    ['may be written by others', () => chmod(folder, 0o777)],
    ['holds blobs that others may write', () => chmod(join(folder, 'blobs'), 0o770)],
  ])('that %s is not used, with a warning', (_, spoil) => isRefused(spoil));

  const notRoot = whyNotHere('root');
  test.skipIf(notRoot).each([
    ['belongs to another user', () => chown(folder, 65534, 65534)],
    ['holds blobs of another user', () => chown(join(folder, 'blobs'), 65534, 65534)],
  ])(`that %s is not used, with a warning${notRoot}`, (_, spoil) => isRefused(spoil));

  it.skipIf(notRoot)(`is not made in another user's home, as by sudo${notRoot}`, async () => {
    await chown(caches, 65534, 65534);
    await place({ HOME: caches });
    expect(warnings).toMatchObject([{ code: 'DIMGX_CACHE_NOT_USED', message: /belongs to another user/ }]);
    expect(await readdir(caches)).toEqual([]);
  });

  it('that cannot be, or a size that is none, is a warning', async () => {
    await writeFile(join(caches, 'file'), '');
    await place({ DIMGX_CACHE: join(caches, 'file') });
    await place({ DIMGX_CACHE: join(caches, 'file/below') });
    await place({ DIMGX_CACHE: folder, DIMGX_CACHE_SIZE: 'much' });
    expect(warnings.map(({ code }) => code)).toEqual(Array(3).fill('DIMGX_CACHE_NOT_USED'));
    expect(await readdir(caches)).toEqual(['file']);
  });
});

describe('a cache that is too large', () => {
  const sized = (size: string) => ({ env: { XDG_CACHE_HOME: caches, DIMGX_CACHE_SIZE: size } });

  it('loses what was used least recently, as it is written', async () => {
    const blobs = [randomBlob(1000), randomBlob(1000), randomBlob(1000)];
    const cache = await open(sized('3K'));
    for (const { digest, size, bytes } of blobs)
      await (await cache.fetch(digest, size, downloadOf(bytes).download)).close();
    await cache.close();
    expect(await files()).toHaveLength(3);
    const [oldest, used, newest] = blobs as [MadeBlob, MadeBlob, MadeBlob];
    for (const blob of blobs) await utimes(nameOf(blob), 1000 + blobs.indexOf(blob), 1000);
    const inUse = await cache.open(oldest.digest);
    const kept = await cache.open(used.digest);
    await utimes(nameOf(oldest), 1000, 1000);
    const more = randomBlob(1000);
    await (await cache.fetch(more.digest, more.size, downloadOf(more.bytes).download)).close();
    await cache.close();
    const left = [used, newest, more].map(({ digest }) => digest.slice(7));
    expect([...(await files())].sort()).toEqual(left.sort());
    expect(await readDigest(inUse)).toBe(oldest.digest);
    expect(await readDigest(kept)).toBe(used.digest);
    expect(warnings).toEqual([]);
  });
});

describe.skipIf(cannotMount())('a disk (needs mount)', () => {
  it('that is full, or becomes so, is a warning; the work goes on, and nothing half-written is left', async () => {
    const disk = await smallDisk(300_000);
    folder = join(disk, 'cache');
    const small = randomBlob(100_000);
    const large = randomBlob(1_000_000);
    const growing = randomBlob(200_000);
    const cache = await open({ cache: folder });
    for (const blob of [small, large]) {
      const { download, transfers } = downloadOf(blob.bytes);
      expect(await readDigest(await cache.fetch(blob.digest, blob.size, download))).toBe(blob.digest);
      expect(transfers).toEqual([{ from: 0, bytes: blob.size }]);
    }
    await cache.close();
    expect(warnings).toMatchObject([{ code: 'DIMGX_CACHE_NOT_USED', count: 1 }]);
    const { download } = downloadOf(growing.bytes);
    const blob = await cache.fetch(growing.digest, growing.size, async (target) => {
      await writeFile(join(disk, 'others'), Buffer.alloc(250_000)).catch(() => undefined);
      await download(target);
    });
    expect(await readDigest(blob)).toBe(growing.digest);
    await cache.close();
    expect(await files()).toEqual([small.digest.slice(7)]);
    expect(await readDigest(await cache.open(small.digest))).toBe(small.digest);
    expect(warnings).toHaveLength(1);
  });

  it('for temporary data that becomes full is an error', async () => {
    const tmpDir = await smallDisk(300_000);
    const cache = await open({ cache: false, tmpDir });
    const [blob, large] = [randomBlob(200_000), randomBlob(400_000)];
    const failing = cache.fetch(blob.digest, blob.size, async (target) => {
      await writeFile(join(tmpDir, 'others'), Buffer.alloc(250_000));
      await downloadOf(blob.bytes)
        .download(target)
        .catch((cause) => Promise.reject(new Error('the download failed', { cause })));
    });
    await expect(failing).rejects.toMatchObject({ code: 'DIMGX_SOURCE_NO_SPACE' });
    const tooLarge = cache.fetch(large.digest, large.size, downloadOf(large.bytes).download);
    await expect(tooLarge).rejects.toMatchObject({ code: 'DIMGX_SOURCE_NO_SPACE' });
    expect(await readdir(tmpDir)).toEqual(['others']);
  });

  it('has nothing to do with what a download cannot read itself', async () => {
    const blob = randomBlob(1000);
    for (const cache of [await open(), await open({ cache: false })]) {
      const broken = new Error('no authority', {
        cause: await readFile('/no/such/ca.pem').catch((failure) => failure),
      });
      await expect(cache.fetch(blob.digest, blob.size, () => Promise.reject(broken))).rejects.toBe(broken);
    }
    expect(warnings).toEqual([]);
  });

  it('that is read-only is read, and what is not there is fetched without it', async () => {
    const disk = await smallDisk(1_000_000);
    folder = join(disk, 'cache');
    const [there, missing] = [randomBlob(1000), randomBlob(1000)];
    const before = await open({ cache: folder });
    await (await before.fetch(there.digest, there.size, downloadOf(there.bytes).download)).close();
    await before.close();
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    const cache = await open({ cache: folder });
    expect(await readDigest(await cache.fetch(there.digest, there.size, never))).toBe(there.digest);
    expect(warnings).toEqual([]);
    const { download } = downloadOf(missing.bytes);
    expect(await readDigest(await cache.fetch(missing.digest, missing.size, download))).toBe(missing.digest);
    expect(warnings).toMatchObject([{ code: 'DIMGX_CACHE_NOT_USED' }]);
  });
});
