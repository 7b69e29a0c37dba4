import { randomBytes } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decodeLayerIndex, encodeLayerIndex } from '#dimgx/layer/kept-index.js';
import type { Digest } from '#dimgx/reference/digest.js';
import { diffIdOf, layerOf } from '../helpers/built-image.js';
import { whyNotHere } from '../helpers/engines.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { pushLayout } from '../helpers/push-layout.js';
import { type Registry, startRegistry } from '../helpers/registry.js';
import { type RegistryProxy, registryProxy } from '../helpers/registry-proxy.js';
import { runDimgx } from '../helpers/run-dimgx.js';
import { newUser } from '../helpers/user.js';

const absent = whyNotHere('docker-registry');

describe.skipIf(absent)(`layers that the cache keeps${absent}`, () => {
  let registry: Registry;
  let layers: readonly Buffer[];
  const digests = { plain: [] as Digest[], gzip: [] as Digest[] };

  beforeAll(async () => {
    registry = await startRegistry();
    layers = [
      await layerOf({ below: randomBytes(100_000), hidden: 'x' }),
      await layerOf({ '.wh.hidden': '', above: randomBytes(100_000) }),
    ];
    for (const form of ['plain', 'gzip'] as const) {
      const layout = new OciLayout();
      const manifest = layout.manifest({ layers }, { gzip: form === 'gzip' });
      const { layers: stored } = JSON.parse(String(layout.members[`blobs/${manifest.digest.replace(':', '/')}`]));
      digests[form] = stored.map(({ digest }: { digest: Digest }) => digest);
      await pushLayout(layout, manifest, { host: registry.host, path: 'box', tag: form });
    }
  });
  afterAll(() => registry?.stop());

  let home: string;
  let proxy: RegistryProxy;
  beforeEach(async () => {
    home = await newUser();
    proxy = await registryProxy(registry.host);
  });

  const inCache = (kind: 'blobs' | 'indexes', digest: string) => join(home, 'cache', kind, digest.replace(':', '/'));

  /** @returns the tar, and what was said */
  async function flatten(form: string, ...options: readonly string[]) {
    const target = join(home, 'out.tar');
    await rm(target, { force: true });
    const { stderr, code } = await runDimgx(...options, '-t', target, `docker://${proxy.host}/box:${form}`);
    return { stderr, code, tar: await readFile(target).catch(() => undefined) };
  }

  async function damage(digest: string, at = 50_000) {
    const bytes = await readFile(inCache('blobs', digest));
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    await writeFile(inCache('blobs', digest), bytes);
  }

  const transfersOf = (digest: string) => proxy.on(new RegExp(`/blobs/${digest}`)).length;

  it('are read by the indexes beside them, which are made anew when they are gone or damaged', async () => {
    const first = await flatten('gzip');
    expect(first).toMatchObject({ stderr: '', code: 0, tar: expect.any(Buffer) });
    const [digest = 'sha256:'] = digests.gzip;
    const path = inCache('indexes', digest);
    const kept = await readFile(path);
    const key = { digest, diffId: diffIdOf(layers[0] as Buffer) as Digest };
    const contents = decodeLayerIndex(new Uint8Array(kept), key);
    if (!contents) throw new Error('the index cannot be read');
    const warnings = [{ code: 'DIMGX_ENTRY_SPARSE', message: 'as the index says', count: 1 }] as const;
    await writeFile(path, encodeLayerIndex(key, { ...contents, warnings }));
    const told = await flatten('gzip');
    expect(told).toMatchObject({ stderr: expect.stringContaining('as the index says'), code: 0 });
    expect(told.tar).toEqual(first.tar);
    for (const spoil of [() => writeFile(path, kept.fill(1, 100, 110)), () => rm(path)]) {
      await spoil();
      expect(await flatten('gzip')).toEqual(first);
      expect(decodeLayerIndex(new Uint8Array(await readFile(path)), key)).toEqual(contents);
    }
    expect(transfersOf(digest)).toBe(1);
  });

  it.each([true, false])('are fetched anew when they are damaged (with an index: %s)', async (hasIndex) => {
    const first = await flatten('gzip');
    for (const digest of digests.gzip) {
      await damage(digest);
      if (!hasIndex) await rm(inCache('indexes', digest));
    }
    expect(await flatten('gzip', '--offline')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('DIMGX_SOURCE_MISSING_BLOB'),
      tar: undefined,
    });
    expect(await flatten('gzip')).toEqual(first);
    expect(digests.gzip.map(transfersOf)).toEqual([2, 2]);
    await stat(inCache('indexes', digests.gzip[0] as string));
  });

  it.each(['gzip', 'plain'] as const)(
    'are fetched anew when they do not begin like layers any more (%s)',
    async (form) => {
      const first = await flatten(form);
      for (const options of [[], ['--no-verify']]) {
        await damage(digests[form][0] as string, 0);
        expect(await flatten(form, ...options)).toEqual(first);
      }
      expect(digests[form].map(transfersOf)).toEqual([3, 1]);
      expect(await runDimgx('cache', 'verify')).toMatchObject({ stderr: '', code: 0 });
    },
  );

  it('are fetched anew when they are not compressed, too', async () => {
    const first = await flatten('plain');
    await damage(digests.plain[0] as string);
    expect(await flatten('plain')).toEqual(first);
  });
});
