import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test } from 'vitest';
import { Resources, withResources } from '#dimgx/base/io/resources.js';
import { encodedRegion } from '#dimgx/compression/packed-region.js';
import type { Warning } from '#dimgx/errors.js';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { openedImage } from '#dimgx/image/image.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import type { IndexedLayer } from '#dimgx/layer/layer-index.js';
import type { RepositoryOptions } from '#dimgx/registry/open-repository.js';
import { openRegistryImage } from '#dimgx/source/docker-registry.js';
import { gzipped, layerOf } from '../helpers/built-image.js';
import { whyNotHere } from '../helpers/engines.js';
import { type Descriptor, OciLayout } from '../helpers/oci-layout.js';
import { bytesOf } from '../helpers/opened.js';
import { codeOf } from '../helpers/opened-engine.js';
import { pushLayout } from '../helpers/push-layout.js';
import { treeOfTar } from '../helpers/read-tar.js';
import { type Registry, startRegistry } from '../helpers/registry.js';
import { listen, type RegistryFault, type RegistryProxy, registryProxy } from '../helpers/registry-proxy.js';
import { newUser } from '../helpers/user.js';

const absent = whyNotHere('docker-registry');

/** Short, for servers that say nothing or are busy. */
const QUICK: RepositoryOptions = {
  timeouts: { connect: 1000, answer: 1000, idle: 300 },
  retries: { attempts: 4, first: 10, longest: 40, patience: 5000 },
};

const MIB = 2 ** 20;

describe.skipIf(absent)(`a layer that is downloaded${absent}`, () => {
  let registry: Registry;
  let layer: Buffer;
  let descriptor: Descriptor;
  let blob: RegExp;
  let plain: Buffer;
  let gzip: Descriptor;

  beforeAll(async () => {
    registry = await startRegistry();
    const layout = new OciLayout();
    layer = await layerOf({ random: randomBytes(5 * MIB) });
    const manifest = layout.manifest({ layers: [layer] });
    descriptor = layout.blob(layer, '');
    blob = new RegExp(`/blobs/${descriptor.digest}`);
    await pushLayout(layout, manifest, { host: registry.host, path: 'box', tag: '1' });
  });
  beforeAll(async () => {
    const layout = new OciLayout();
    plain = await layerOf({ random: randomBytes(5 * MIB), small: 'x' });
    const manifest = layout.manifest({ layers: [plain, await layerOf({ other: 'y' })] }, { gzip: true });
    gzip = layout.blob(gzipped(plain), '');
    await pushLayout(layout, manifest, { host: registry.host, path: 'gzip', tag: '1' });
  });
  afterAll(() => registry?.stop());

  interface Pulled {
    readonly bytes: Buffer;
    readonly warnings: readonly Warning[];
  }

  /** Opens the image and downloads its layer. */
  const pull = async (host: string, options: RepositoryOptions & { cache?: false } = {}): Promise<Pulled> => {
    const resources = new Resources();
    onTestFinished(() => resources.close());
    const warnings: Warning[] = [];
    const onWarning = (warning: Warning) => void warnings.push(warning);
    const request = { reference: 'x', name: `${host}/box:1`, platform: undefined };
    const context = { resources, limits: { maxSize: 2 ** 30, maxEntries: 1000 }, signal: undefined };
    const image = await openRegistryImage({ ...request, options: { ...QUICK, ...options, onWarning } }, context);
    const [stored] = await openedImage(image).fetch(image.layers);
    return { bytes: stored ? await bytesOf(encodedRegion(stored.blob)) : Buffer.alloc(0), warnings };
  };

  const proxied = async (...faults: readonly RegistryFault[]) => {
    await newUser();
    return registryProxy(registry.host, ...faults);
  };
  const sentOf = (proxy: RegistryProxy) => proxy.on(blob).map(({ sent }) => sent);
  const rangesOf = (proxy: RegistryProxy) => proxy.on(blob).map(({ headers }) => headers.range);

  it('comes whole, and from the cache the next time', async () => {
    const proxy = await proxied();
    expect((await pull(proxy.host)).bytes.equals(layer)).toBe(true);
    expect(sentOf(proxy)).toEqual([layer.length]);
    expect((await pull(proxy.host)).bytes.equals(layer)).toBe(true);
    expect(sentOf(proxy)).toEqual([layer.length]);
    expect((await pull(proxy.host, { cache: false })).bytes.equals(layer)).toBe(true);
    expect(sentOf(proxy)).toEqual([layer.length, layer.length]);
  });

  describe.each<[string, { cache?: false }]>([
    ['with a cache', {}],
    ['without', { cache: false }],
  ])('%s', (_, options) => {
    test.each(['cut', 'stall', 'end'] as const)('goes on where it ended: %s', async (kind) => {
      const proxy = await proxied({ path: blob, kind, after: 3 * MIB }, { path: blob, kind, after: MIB });
      expect((await pull(proxy.host, options)).bytes.equals(layer)).toBe(true);
      const [first = 0, second = 0, third = 0, ...others] = sentOf(proxy);
      expect(others).toEqual([]);
      expect(first).toBe(3 * MIB);
      expect(first + second + third).toBe(layer.length);
      expect(rangesOf(proxy)).toEqual([undefined, `bytes=${first}-`, `bytes=${first + second}-`]);
    });

    it('goes on where it ended when it only trickles', async () => {
      const proxy = await proxied({ path: blob, kind: 'trickle', after: 3 * MIB });
      expect((await pull(proxy.host, options)).bytes.equals(layer)).toBe(true);
      const [first = 0, second = 0, ...others] = sentOf(proxy);
      expect(others).toEqual([]);
      expect(first).toBeGreaterThan(3 * MIB);
      expect(first + second).toBeLessThan(layer.length + 1000);
    });

    it('is skipped as far as it is there, where the registry does not know ranges', async () => {
      const proxy = await proxied(
        { path: blob, kind: 'cut', after: 3 * MIB },
        { path: blob, asked: { range: undefined } },
      );
      expect((await pull(proxy.host, options)).bytes.equals(layer)).toBe(true);
      expect(sentOf(proxy)).toEqual([3 * MIB, layer.length]);
    });

    test.each([
      ['begins elsewhere', { 'content-range': 'bytes 5-9/100' }],
      ['is of another blob', { 'content-range': `bytes ${3 * MIB}-${4 * MIB}/${4 * MIB + 1}` }],
      ['does not say where it begins', { 'content-range': undefined }],
    ])('is not taken from a part that %s', async (_, answered) => {
      const proxy = await proxied({ path: blob, kind: 'cut', after: 3 * MIB }, { path: blob, answered });
      expect((await pull(proxy.host, options)).bytes.equals(layer)).toBe(true);
      expect(rangesOf(proxy)).toEqual([undefined, `bytes=${3 * MIB}-`, undefined]);
    });

    it('is asked for as a whole when the registry refuses a part', async () => {
      const proxy = await proxied({ path: blob, kind: 'cut', after: 3 * MIB }, { path: blob, answer: { status: 416 } });
      expect((await pull(proxy.host, options)).bytes.equals(layer)).toBe(true);
      expect(sentOf(proxy)).toEqual([3 * MIB, 0, layer.length]);
    });

    it('is fetched once more when it is damaged, and only once', async () => {
      const once = await proxied({ path: blob, kind: 'damage', after: MIB });
      expect((await pull(once.host, options)).bytes.equals(layer)).toBe(true);
      expect(sentOf(once)).toEqual([layer.length, layer.length]);
      const always = await proxied({ path: blob, kind: 'damage', after: MIB, times: 9 });
      expect(await codeOf(pull(always.host, options))).toBe('DIMGX_IMAGE_DIGEST_MISMATCH');
      expect(sentOf(always)).toEqual([layer.length, layer.length]);
      expect((await pull(registry.host, options)).bytes.equals(layer)).toBe(true);
    });

    it('is read no further than it is to be long', async () => {
      const proxy = await proxied({ path: blob, kind: 'endless', after: MIB, times: 9 });
      expect(await codeOf(pull(proxy.host, options))).toBe('DIMGX_IMAGE_SIZE_MISMATCH');
      for (const sent of sentOf(proxy)) expect(sent).toBeLessThan(layer.length + 16 * MIB);
      expect(sentOf(proxy)).toHaveLength(2);
    });

    it('is not read at all when it says that it is of another length', async () => {
      const answered = { 'content-length': '100' };
      const proxy = await proxied({ path: blob, answered, kind: 'cut', after: 100, times: 9 });
      expect(await codeOf(pull(proxy.host, options))).toBe('DIMGX_IMAGE_SIZE_MISMATCH');
    });
  });

  it('that ends too early each time is an error', async () => {
    const proxy = await proxied({ path: blob, kind: 'end', after: 1000, times: 99 });
    expect(await codeOf(pull(proxy.host))).toBe('DIMGX_REGISTRY_FAILED');
    expect(sentOf(proxy).length).toBeLessThanOrEqual(4);
  });

  test.each([429, 500, 502, 503])(
    'is asked for again when the registry answers %d, as late as it wants',
    async (status) => {
      const headers = { 'retry-after': '1' };
      const proxy = await proxied(
        { path: /manifests/, answer: { status } },
        { path: blob, answer: { status, headers } },
        { path: blob, answer: { status } },
      );
      const begun = Date.now();
      expect((await pull(proxy.host)).bytes.equals(layer)).toBe(true);
      expect(Date.now() - begun).toBeGreaterThan(990);
      expect(proxy.on(blob).map((one) => one.status)).toEqual([status, status, 200]);
    },
  );

  it('is an error when the registry stays busy, or wants too much patience', async () => {
    const busy = await proxied({ path: blob, answer: { status: 503 }, times: 99 });
    expect(await codeOf(pull(busy.host))).toBe('DIMGX_REGISTRY_FAILED');
    expect(busy.on(blob)).toHaveLength(4);
    const headers = { 'retry-after': '3600' };
    const long = await proxied({ path: blob, answer: { status: 429, headers }, times: 99 });
    expect(await codeOf(pull(long.host))).toBe('DIMGX_REGISTRY_FAILED');
    expect(long.on(blob)).toHaveLength(1);
  });

  it('is an error when the registry does not have it', async () => {
    const proxy = await proxied({ path: blob, answer: { status: 404 }, times: 99 });
    expect(await codeOf(pull(proxy.host))).toBe('DIMGX_SOURCE_MISSING_BLOB');
    expect(proxy.on(blob)).toHaveLength(1);
  });

  it('is left when another cannot be had', async () => {
    const layout = new OciLayout();
    const layers = [await layerOf({ large: randomBytes(30 * MIB) }), await layerOf({ small: 'x' })];
    const manifest = layout.manifest({ layers });
    await pushLayout(layout, manifest, { host: registry.host, path: 'two', tag: '1' });
    const [large, small] = layers.map((each) => new RegExp(`/two/blobs/${layout.blob(each, '').digest}`));
    await newUser();
    const proxy = await registryProxy(
      registry.host,
      { path: small as RegExp, answer: { status: 404 } },
      { path: large as RegExp, kind: 'stall', after: 20 * MIB, times: 99 },
    );
    const resources = new Resources();
    onTestFinished(() => resources.close());
    const request = { reference: 'x', name: `${proxy.host}/two:1`, platform: undefined, options: QUICK };
    const image = await openRegistryImage(request, { resources, limits: { maxSize: 2 ** 30, maxEntries: 1000 } });
    expect(await codeOf(openedImage(image).fetch(image.layers))).toBe('DIMGX_SOURCE_MISSING_BLOB');
    expect(proxy.on(large as RegExp).length).toBeLessThanOrEqual(1);
  });

  describe('from where the registry leads to', () => {
    /** Another server that has the blob. @returns where, and what it was asked with */
    const elsewhere = async () => {
      const seen: IncomingHttpHeaders[] = [];
      const host = await listen(
        createServer((request, response: ServerResponse) => {
          seen.push(request.headers);
          const [, first] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
          const from = Number(first ?? 0);
          if (first !== undefined) {
            response.setHeader('content-range', `bytes ${from}-${layer.length - 1}/${layer.length}`);
          }
          response.writeHead(first === undefined ? 200 : 206, { 'content-length': layer.length - from });
          response.end(layer.subarray(from));
        }),
      );
      return { host, seen };
    };
    const leading = (to: string, times = 9) =>
      ({ path: blob, times, answer: { status: 307, headers: { location: to } } }) as const;
    const credentials = { username: 'me', password: 's3cret' };
    const challenge = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };

    it('comes without the credentials being shown there', async () => {
      const other = await elsewhere();
      const proxy = await proxied(
        { path: /manifests/, answer: challenge },
        leading(`http://${other.host}/blob?signature=abc`),
      );
      expect((await pull(proxy.host, { credentials })).bytes.equals(layer)).toBe(true);
      expect(proxy.on(blob).map(({ headers }) => headers.authorization)).toEqual([
        `Basic ${Buffer.from('me:s3cret').toString('base64')}`,
      ]);
      expect(other.seen).toHaveLength(1);
      expect(JSON.stringify(other.seen)).not.toMatch(/authorization|bWU6czNjcmV0|cookie/i);
    });

    it('gets no credentials though it asks for them', async () => {
      const seen: IncomingHttpHeaders[] = [];
      const asking = await listen(
        createServer(({ headers }, response) => {
          seen.push(headers);
          response.writeHead(401, { 'www-authenticate': 'Basic realm="mine"' }).end();
        }),
      );
      const proxy = await proxied({ path: /manifests/, answer: challenge }, leading(`http://${asking}/`));
      expect(await codeOf(pull(proxy.host, { credentials }))).toBe('DIMGX_REGISTRY_DENIED');
      expect(seen.map(({ authorization }) => authorization)).toEqual([undefined]);
    });

    test.each([
      ['in a circle', '/v2/box/blobs/circle'],
      ['to what is no place', 'http://'],
      ['to another scheme', 'file:///etc/passwd'],
      ['with a password', 'http://a:b@127.0.0.1/'],
    ])('is refused when it leads %s', async (_, location) => {
      const circle = { path: /circle$/, times: 99, answer: { status: 307, headers: { location } } };
      const proxy = await proxied(circle, leading(location));
      expect(await codeOf(pull(proxy.host))).toBe('DIMGX_REGISTRY_FAILED');
      expect(proxy.seen.length).toBeLessThan(20);
    });
  });

  describe('is decoded while it arrives, and the tar is the same', () => {
    const faults: readonly RegistryFault[][] = [
      [],
      [{ path: /gzip/, kind: 'cut', after: 3 * MIB }],
      [{ path: /gzip/, kind: 'stall', after: 3 * MIB }],
      [{ path: /gzip/, kind: 'damage', after: 3 * MIB }],
      [{ path: /gzip/, kind: 'damage', after: 5 }],
      [{ path: /gzip/, kind: 'endless', after: 3 * MIB }],
      [
        { path: /gzip/, kind: 'damage', after: MIB },
        { path: /gzip/, kind: 'cut', after: 2 * MIB },
      ],
    ];

    test.each(faults.flatMap((each) => [[each, true] as const, [each, false] as const]))(
      '%j, with a cache: %s',
      async (wanted, hasCache) => {
        await newUser();
        const path = new RegExp(`/gzip/blobs/${gzip.digest}`);
        const proxy = await registryProxy(registry.host, ...wanted.map((fault) => ({ ...fault, path })));
        const resources = new Resources();
        onTestFinished(() => resources.close());
        const options = { ...QUICK, ...(!hasCache && { cache: false as const }) };
        const request = { reference: 'x', name: `${proxy.host}/gzip:1`, platform: undefined, options };
        const image = await openRegistryImage(request, { resources, limits: { maxSize: 2 ** 30, maxEntries: 1000 } });
        const indexes = await inspectLayers(image);
        const digests = await Promise.all(indexes.map(({ verified }) => verified));
        expect(digests.map(({ diffId }) => diffId)).toEqual(image.layers.toReversed().map(({ diffId }) => diffId));
        const [, base = expect.unreachable()] = indexes;
        expect((base as IndexedLayer).bytes.length).toBe(plain.length);
        expect(treeOfTar(await buffer(extractLayers([base])))).toEqual(treeOfTar(plain));
        expect(base.entries.length).toBe(2);
        expect(proxy.on(path)).toHaveLength(wanted.length + 1);
      },
    );
  });

  describe('that went bad in the cache', () => {
    const paths = { plain: /\/box\/blobs\//, gzip: /\/gzip\/blobs\// };

    /** Opens an image, and reads its layers. */
    const inspected = async (host: string, offline = false) => {
      const request = { reference: 'x', name: host, platform: undefined, options: { ...QUICK, offline } };
      // A blob that was fetched has its place in the cache once everything is closed.
      return withResources(async (resources) => {
        const image = await openRegistryImage(request, { resources, limits: { maxSize: 2 ** 30, maxEntries: 1000 } });
        const indexes = await inspectLayers(image);
        return Promise.all(indexes.map(({ verified }) => verified));
      });
    };

    test.each([
      ['plain', 3 * MIB],
      ['gzip', 3 * MIB],
      ['gzip', 0],
    ] as const)('is fetched again: %s, byte %d', async (kind, at) => {
      const home = await newUser();
      const proxy = await registryProxy(registry.host);
      const name = `${proxy.host}/${kind === 'plain' ? 'box' : 'gzip'}:1`;
      const digests = await inspected(name);
      proxy.seen.splice(0);
      expect(await inspected(name)).toEqual(digests);
      expect(proxy.on(paths[kind])).toEqual([]);
      const digest = digests.at(-1)?.digest ?? expect.unreachable();
      const spoil = async () => {
        const file = await open(`${home}/cache/blobs/${digest.replace(':', '/')}`, 'r+');
        await file.write(Buffer.alloc(5, 1), 0, 5, at);
        await file.close();
      };
      await spoil();
      expect(await inspected(name)).toEqual(digests);
      expect(proxy.on(paths[kind]).map(({ path }) => path)).toEqual([expect.stringContaining(digest)]);
      await spoil();
      expect(await codeOf(inspected(name, true))).toBe('DIMGX_SOURCE_MISSING_BLOB');
      expect(await inspected(name)).toEqual(digests);
    });
  });

  describe('with a mirror', () => {
    it('comes from there, and the rest from the registry when the mirror gives up', async () => {
      await newUser();
      const mirror = await registryProxy(
        registry.host,
        { path: blob, kind: 'cut', after: 3 * MIB },
        { path: blob, times: 9, answer: { status: 404 } },
      );
      const origin = await registryProxy(registry.host);
      const { bytes, warnings } = await pull(origin.host, { mirrors: [`${origin.host}=http://${mirror.host}`] });
      expect(bytes.equals(layer)).toBe(true);
      expect(rangesOf(origin)).toEqual([`bytes=${3 * MIB}-`]);
      expect(origin.on(/manifests/)).toEqual([]);
      expect(warnings).toEqual([]);
    });

    it('comes from the registry, with a warning, when the mirror is out of order', async () => {
      await newUser();
      const mirror = await registryProxy(registry.host, { path: /./, times: 99, answer: { status: 500 } });
      const { bytes, warnings } = await pull(registry.host, { mirrors: [`${registry.host}=${mirror.host}`] });
      expect(bytes.equals(layer)).toBe(true);
      expect(new Set(warnings.map(({ code }) => code))).toEqual(new Set(['DIMGX_REGISTRY_MIRROR_SKIPPED']));
    });

    it('comes from the registry when the mirror damages it', async () => {
      await newUser();
      const mirror = await registryProxy(registry.host, { path: blob, kind: 'damage', after: MIB, times: 9 });
      const origin = await registryProxy(registry.host);
      const { bytes } = await pull(origin.host, { mirrors: [`${origin.host}=${mirror.host}`] });
      expect(bytes.equals(layer)).toBe(true);
      expect([sentOf(mirror), sentOf(origin)]).toEqual([[layer.length], [layer.length]]);
    });

    it('shows it nothing of what is for the registry', async () => {
      await newUser();
      const credentials = { username: 'me', password: 's3cret' };
      const answer = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
      const mirror = await registryProxy(registry.host, { path: /./, times: 99, answer });
      await pull(registry.host, { credentials, mirrors: [`${registry.host}=${mirror.host}`] });
      expect(mirror.seen.length).toBeGreaterThan(0);
      expect(mirror.seen.map(({ headers }) => headers.authorization).filter((shown) => shown !== undefined)).toEqual(
        [],
      );
    });

    it('takes those of Podman as well', async () => {
      const mirror = await registryProxy(registry.host);
      const origin = await registryProxy(registry.host);
      const rule = `[[registry]]\nlocation = "${origin.host}"\n[[registry.mirror]]\nlocation = "${mirror.host}"\n`;
      await newUser({ 'registries.conf': rule });
      expect((await pull(origin.host)).bytes.equals(layer)).toBe(true);
      expect([mirror.seen.length > 0, origin.seen]).toEqual([true, []]);
    });
  });
});
