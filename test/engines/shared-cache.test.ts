import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { layerOf } from '../helpers/built-image.js';
import { whyNotHere } from '../helpers/engines.js';
import { MOMENTS, moments, WITH_MOMENTS } from '../helpers/moments.js';
import { cannotMount, smallDisk } from '../helpers/mounts.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { pushLayout } from '../helpers/push-layout.js';
import { type Registry, startRegistry } from '../helpers/registry.js';
import { registryProxy } from '../helpers/registry-proxy.js';
import { runDimgx, startDimgx } from '../helpers/run-dimgx.js';
import { newUser } from '../helpers/user.js';

vi.setConfig(WITH_MOMENTS);

const absent = whyNotHere('docker-registry');
const MIB = 2 ** 20;

describe.skipIf(absent)(`processes that share a cache${absent}`, () => {
  let registry: Registry;
  /** Of every blob of the image, by its digest. */
  const sizes = new Map<string, number>();

  beforeAll(async () => {
    registry = await startRegistry();
    const layout = new OciLayout();
    const layers = [];
    for (const size of [8, 5, 1]) layers.push(await layerOf({ [`random-${size}`]: randomBytes(size * MIB) }));
    const manifest = layout.manifest({ layers });
    for (const layer of layers) sizes.set(layout.blob(layer, '').digest, layer.length);
    const { config } = JSON.parse(String(layout.members[`blobs/${manifest.digest.replace(':', '/')}`]));
    sizes.set(config.digest, config.size);
    await pushLayout(layout, manifest, { host: registry.host, path: 'box', tag: '1' });
  });
  afterAll(() => registry?.stop());

  const hashOf = async (path: string) =>
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex');

  it('transfer each blob once, eight at a time, and another none', async () => {
    const home = await newUser();
    const proxy = await registryProxy(registry.host);
    const targets = Array.from({ length: 8 }, (_, i) => join(home, `${i}.tar`));
    const flatten = (target: string) => runDimgx('-t', target, `docker://${proxy.host}/box:1`);
    for (const ended of await Promise.all(targets.map(flatten))) {
      expect(ended).toEqual({ stdout: '', stderr: '', code: 0, signal: null });
    }
    const hashes = await Promise.all(targets.map(hashOf));
    expect(new Set(hashes).size).toBe(1);
    const transfers = () =>
      [...sizes].map(([digest]) => proxy.on(new RegExp(`/blobs/${digest}`)).map(({ sent }) => sent));
    expect(transfers()).toEqual([...sizes.values()].map((size) => [size]));
    expect(await flatten(join(home, 'more.tar'))).toMatchObject({ stderr: '', code: 0 });
    expect(await hashOf(join(home, 'more.tar'))).toBe(hashes[0]);
    expect(transfers().flat()).toHaveLength(sizes.size);
    for (const folder of ['claims', 'partial']) expect(await readdir(join(home, 'cache', folder))).toEqual([]);
  });

  it('are killed at any moment, and leave nothing wrong, nor in the way', async () => {
    const home = await newUser();
    vi.stubEnv('DIMGX_CACHE', join(home, 'whole'));
    const begun = Date.now();
    expect(await runDimgx('-t', join(home, 'whole.tar'), `docker://${registry.host}/box:1`)).toMatchObject({ code: 0 });
    const duration = Date.now() - begun;
    vi.stubEnv('DIMGX_CACHE', join(home, 'cache'));
    for (const moment of moments(duration, 2 * MOMENTS)) {
      const { process: victim, ended } = startDimgx('pull', `docker://${registry.host}/box:1`);
      await sleep(moment);
      victim.kill('SIGKILL');
      await ended;
      expect(await runDimgx('cache', 'verify')).toMatchObject({ stderr: '', code: 0 });
    }
    expect(await runDimgx('-t', join(home, 'out.tar'), `docker://${registry.host}/box:1`)).toMatchObject({ code: 0 });
    expect(await hashOf(join(home, 'out.tar'))).toBe(await hashOf(join(home, 'whole.tar')));
    expect(await runDimgx('cache', 'verify')).toMatchObject({ stderr: '', code: 0 });
    for (const folder of ['claims', 'partial']) expect(await readdir(join(home, 'cache', folder))).toEqual([]);
  });

  it('find what is damaged, and fetch it again', async () => {
    const home = await newUser();
    const proxy = await registryProxy(registry.host);
    expect(await runDimgx('pull', `${proxy.host}/box:1`)).toMatchObject({ code: 0 });
    const [digest = ''] = sizes.keys();
    const path = join(home, 'cache/blobs', digest.replace(':', '/'));
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(MIB) ^ 1, MIB);
    await writeFile(path, bytes);
    expect(await runDimgx('cache', 'verify')).toMatchObject({ code: 2, stdout: expect.stringContaining(digest) });
    expect(await runDimgx('pull', `${proxy.host}/box:1`)).toMatchObject({ code: 0 });
    expect(proxy.on(new RegExp(`/blobs/${digest}`))).toHaveLength(2);
    expect(await runDimgx('cache', 'verify')).toMatchObject({ code: 0 });
  });

  it('find a manifest that is damaged when its tag is asked for again', async () => {
    const home = await newUser();
    const { stdout } = await runDimgx('pull', `${registry.host}/box:1`);
    const path = join(home, 'cache/blobs', stdout.trim().replace(':', '/'));
    const bytes = await readFile(path);
    await writeFile(path, Buffer.from(bytes).fill(' ', 20, 30));
    expect(await runDimgx('pull', `${registry.host}/box:1`)).toMatchObject({ stderr: '', code: 0 });
    expect(await readFile(path)).toEqual(bytes);
  });

  it.skipIf(cannotMount())('do without one on a disk that is too small, with a warning (needs mount)', async () => {
    const home = await newUser();
    const disk = await smallDisk(7 * MIB);
    vi.stubEnv('DIMGX_CACHE', join(disk, 'cache'));
    const { stdout, stderr, code } = await runDimgx('-t', join(home, 'out.tar'), `docker://${registry.host}/box:1`);
    expect({ stdout, code }).toEqual({ stdout: '', code: 0 });
    expect(stderr).toMatch(/^dimgx: warning: DIMGX_CACHE_NOT_USED: .*\n$/);
    expect(await readdir(join(disk, 'cache/partial'))).toEqual([]);
    expect(await runDimgx('cache', 'verify')).toMatchObject({ stderr: '', code: 0 });
  });

  it('keep nothing with --no-cache, and end at once when they are told to', async () => {
    const home = await newUser();
    expect(await runDimgx('--no-cache', '-t', join(home, 'out.tar'), `docker://${registry.host}/box:1`)).toMatchObject({
      code: 0,
    });
    await expect(stat(join(home, 'cache'))).rejects.toThrow('ENOENT');
    const proxy = await registryProxy(registry.host, { path: /\/blobs\//, kind: 'stall', after: 100_000, times: 9 });
    const holder = startDimgx('pull', `${proxy.host}/box:1`);
    while (proxy.on(/\/blobs\//).every(({ sent }) => sent < 100_000)) await sleep(20);
    const waiting = startDimgx('pull', `${proxy.host}/box:1`);
    await sleep(500);
    for (const { process, ended } of [waiting, holder]) {
      process.kill('SIGINT');
      expect(await ended).toMatchObject({ stdout: '', stderr: '', signal: 'SIGINT' });
    }
    expect(await readdir(join(home, 'cache/claims'))).toEqual([]);
  });
});
