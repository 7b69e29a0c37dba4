import { randomBytes } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decodeLayerIndex, encodeLayerIndex } from '#dimgx/layer/kept-index.js';
import type { Digest } from '#dimgx/reference/digest.js';
import { configOf, diffIdOf, layerOf } from '../helpers/built-image.js';
import { whyNotHere } from '../helpers/engines.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { pushLayout } from '../helpers/push-layout.js';
import { paxHeader, rawEntry, rawTar } from '../helpers/raw-tar.js';
import { type Registry, startRegistry } from '../helpers/registry.js';
import { type RegistryProxy, registryProxy } from '../helpers/registry-proxy.js';
import { runDimgx } from '../helpers/run-dimgx.js';
import { runScript } from '../helpers/run-script.js';
import { newUser } from '../helpers/user.js';

const MIB = 2 ** 20;
const XATTR = 'SCHILY.xattr.user.a';

/** An image of a layer that is stored in more than 64 MiB. Its blocks are stored as they are, so headers can be found. */
function largeImage(layout: OciLayout) {
  const rewritten = [paxHeader({ [XATTR]: '1' }), rawEntry({ name: '/0' }, 'x')];
  const layer = rawTar(...rewritten, rawEntry({ name: 'a' }, randomBytes(66 * MIB)));
  const blob = layout.blob(gzipSync(layer, { level: 0 }), 'application/vnd.oci.image.layer.v1.tar+gzip');
  const config = layout.blob(configOf({ layers: [layer] }), 'application/vnd.oci.image.config.v1+json');
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  return layout.json({ schemaVersion: 2, mediaType, config, layers: [blob] }, mediaType);
}

const absent = whyNotHere('docker-registry');

describe.skipIf(absent)(`layers that the cache keeps${absent}`, () => {
  let registry: Registry;
  let layers: readonly Buffer[];
  const digests = { plain: [] as Digest[], gzip: [] as Digest[], large: [] as Digest[] };

  beforeAll(async () => {
    registry = await startRegistry();
    layers = [
      await layerOf({ below: randomBytes(100_000), hidden: 'x' }),
      await layerOf({ '.wh.hidden': '', above: randomBytes(100_000) }),
    ];
    for (const form of ['plain', 'gzip', 'large'] as const) {
      const layout = new OciLayout();
      const manifest = form === 'large' ? largeImage(layout) : layout.manifest({ layers }, { gzip: form === 'gzip' });
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

  async function damage(digest: string, at = 50_000, length = 1) {
    const bytes = await readFile(inCache('blobs', digest));
    for (let i = at; i < at + length && i < bytes.length; i++) bytes.writeUInt8(bytes.readUInt8(i) ^ 1, i);
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

  describe('and are too large to be hashed before they are read', () => {
    const places: readonly (readonly [string, (bytes: Buffer) => number])[] = [
      ['in the contents of a file', () => 30_000_000],
      ['in a header that is rewritten', (bytes) => bytes.indexOf(XATTR) - 3],
      ['in the compressed data', () => 10],
      ['behind all that is needed', (bytes) => bytes.length - 6],
    ];

    it.each(places)('are discarded when they are damaged %s, and the next run fetches them', async (_, place) => {
      const first = await flatten('large');
      expect(first).toMatchObject({ stderr: '', code: 0, tar: expect.any(Buffer) });
      const [digest = 'sha256:'] = digests.large;
      const at = place(await readFile(inCache('blobs', digest)));
      await damage(digest, at, 8);
      expect(await flatten('large')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('DIMGX_IMAGE_DIGEST_MISMATCH'),
        tar: undefined,
      });
      expect(await flatten('large', '--offline')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('DIMGX_SOURCE_MISSING_BLOB'),
        tar: undefined,
      });
      const again = await flatten('large');
      expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: '' });
      expect(again.tar?.equals(first.tar as Buffer)).toBe(true);
      expect(transfersOf(digest)).toBe(2);
    });

    it('end no stream with an end mark when they are damaged', async () => {
      const first = await flatten('large');
      const [digest = 'sha256:'] = digests.large;
      await damage(digest, 30_000_000);
      const out = join(home, 'streamed.tar');
      const { code, stdout } = await runScript(
        'dimgx -t - "$1" > "$2"; echo $?',
        `docker://${proxy.host}/box:large`,
        out,
      );
      expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: '2\n' });
      const streamed = await readFile(out);
      expect(streamed.length).toBeLessThanOrEqual((first.tar as Buffer).length - 1024);
    });
  });

  it('are fetched anew when they are not compressed, too', async () => {
    const first = await flatten('plain');
    await damage(digests.plain[0] as string);
    expect(await flatten('plain')).toEqual(first);
  });
});
