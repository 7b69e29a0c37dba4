import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test } from 'vitest';
import { Resources } from '#dimgx/base/io/resources.js';
import { openedImage } from '#dimgx/image/image.js';
import type { RepositoryOptions } from '#dimgx/registry/open-repository.js';
import { openRegistryImage } from '#dimgx/source/docker-registry.js';
import { layerOf } from '../helpers/built-image.js';
import { whyNotHere } from '../helpers/engines.js';
import { type Descriptor, OciLayout } from '../helpers/oci-layout.js';
import { codeOf } from '../helpers/opened-engine.js';
import { pushLayout } from '../helpers/push-layout.js';
import { type Registry, startRegistry } from '../helpers/registry.js';
import { type RegistryFault, registryProxy } from '../helpers/registry-proxy.js';
import { newUser } from '../helpers/user.js';

const absent = whyNotHere('docker-registry');

const QUICK: RepositoryOptions = {
  timeouts: { connect: 1000, answer: 1000, idle: 300 },
  retries: { attempts: 3, first: 10, longest: 40, patience: 5000 },
};

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

const digestOf = (text: string | Buffer) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

describe.skipIf(absent)(`a manifest in a registry${absent}`, () => {
  let registry: Registry;
  let manifest: Descriptor;
  let text: string;

  beforeAll(async () => {
    registry = await startRegistry();
    const layout = new OciLayout();
    manifest = layout.manifest({ layers: [await layerOf({ file: 'x' })] });
    text = String(layout.members[`blobs/${manifest.digest.replace(':', '/')}`]);
    await pushLayout(layout, manifest, { host: registry.host, path: 'box', tag: '1' });
  });
  afterAll(() => registry?.stop());

  const open = async (version: string, ...faults: readonly RegistryFault[]) => {
    await newUser();
    const proxy = await registryProxy(registry.host, ...faults);
    const resources = new Resources();
    onTestFinished(() => resources.close());
    const request = { reference: 'x', name: `${proxy.host}/box${version}`, platform: undefined, options: QUICK };
    return openRegistryImage(request, { resources, limits: { maxSize: 2 ** 30, maxEntries: 1000 } });
  };
  const answered = (body: string, type = MANIFEST, headers = {}): RegistryFault => ({
    path: /manifests/,
    times: 99,
    answer: { status: 200, body, headers: { 'content-type': type, ...headers } },
  });

  it('is asked for again when its answer is cut or stalls', async () => {
    for (const kind of ['cut', 'stall'] as const) {
      const image = await open(':1', { path: /manifests/, kind, after: 10 }, { path: /blobs/, kind, after: 10 });
      expect(image.manifestDigest).toBe(manifest.digest);
    }
  });

  it('is had by a digest of another algorithm, too', async () => {
    const digest = `sha512:${createHash('sha512').update(text).digest('hex')}`;
    expect((await open(`@${digest}`, answered(text))).manifestDigest).toBe(digest);
  });

  test.each([
    ['by its digest', () => `@${manifest.digest}`],
    ['by its tag', () => ':1'],
  ])('is an error when it was altered: %s', async (_, version) => {
    const altered: RegistryFault = { path: /manifests/, times: 9, kind: 'damage', after: 30 };
    expect(await codeOf(open(version(), altered))).toBe('DIMGX_IMAGE_DIGEST_MISMATCH');
  });

  it('is an error when its config was altered, or is of another length', async () => {
    const damaged: RegistryFault = { path: /blobs/, times: 9, kind: 'damage', after: 30 };
    expect(await codeOf(open(':1', damaged))).toBe('DIMGX_IMAGE_DIGEST_MISMATCH');
    const config = JSON.parse(text).config;
    const other = JSON.stringify({ ...JSON.parse(text), config: { ...config, size: config.size + 1 } });
    expect(await codeOf(open(':1', answered(other)))).toBe('DIMGX_IMAGE_SIZE_MISMATCH');
  });

  test.each<[string, string, RegistryFault | ((text: string) => RegistryFault)]>([
    [
      'is of schema 1',
      'DIMGX_SOURCE_NOT_AN_IMAGE',
      answered(
        '{"schemaVersion":1,"name":"box","tag":"1","fsLayers":[]}',
        'application/vnd.docker.distribution.manifest.v1+prettyjws',
      ),
    ],
    ['is sent as an index', 'DIMGX_IMAGE_BAD_JSON', (text) => answered(text, INDEX)],
    [
      'says that it is an index',
      'DIMGX_IMAGE_BAD_JSON',
      (text) => answered(JSON.stringify({ ...JSON.parse(text), mediaType: INDEX })),
    ],
    [
      'is a manifest and an index at once',
      'DIMGX_IMAGE_BAD_JSON',
      (text) => answered(JSON.stringify({ ...JSON.parse(text), mediaType: undefined, manifests: [] })),
    ],
    ['is a page for people', 'DIMGX_IMAGE_BAD_JSON', answered('<html>Log in to this network</html>', 'text/html')],
    ['is too long', 'DIMGX_IMAGE_DOCUMENT_TOO_LARGE', answered(' '.repeat(5 * 2 ** 20))],
    ['never ends', 'DIMGX_IMAGE_DOCUMENT_TOO_LARGE', { path: /manifests/, times: 9, kind: 'endless', after: 0 }],
    [
      'names a config that is too long',
      'DIMGX_IMAGE_DOCUMENT_TOO_LARGE',
      (text) =>
        answered(JSON.stringify({ ...JSON.parse(text), config: { ...JSON.parse(text).config, size: 2 ** 40 } })),
    ],
    [
      'leads from index to index',
      'DIMGX_IMAGE_DIGEST_MISMATCH',
      answered(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: INDEX,
          manifests: [{ mediaType: INDEX, digest: digestOf('x'), size: 150 }],
        }),
        INDEX,
      ),
    ],
    [
      'is not named as the registry says',
      'DIMGX_IMAGE_DIGEST_MISMATCH',
      (text) => answered(text, MANIFEST, { 'docker-content-digest': digestOf('another') }),
    ],
    [
      'is of an artifact',
      'DIMGX_SOURCE_NOT_AN_IMAGE',
      (text) =>
        answered(
          JSON.stringify({ ...JSON.parse(text), config: { ...JSON.parse(text).config, mediaType: 'application/x' } }),
        ),
    ],
  ])('is refused when it %s', async (_, code, fault) => {
    expect(await codeOf(open(':1', typeof fault === 'function' ? fault(text) : fault))).toBe(code);
  });

  it('is taken from a registry that knows no types', async () => {
    expect((await open(':1', answered(text, 'application/octet-stream'))).manifestDigest).toBe(manifest.digest);
  });

  describe('that names a foreign layer', () => {
    const foreign = (urls: readonly string[]) => {
      const { layers, ...others } = JSON.parse(text);
      const mediaType = 'application/vnd.oci.image.layer.nondistributable.v1.tar';
      return answered(JSON.stringify({ ...others, layers: [{ ...layers[0], mediaType, urls }] }));
    };

    it('is listed, and the layer is not fetched unless that is allowed', async () => {
      const image = await open(':1', foreign(['http://127.0.0.1:1/layer']));
      expect(image.layers).toHaveLength(1);
      expect(await codeOf(openedImage(image).fetch(image.layers))).toBe('DIMGX_SOURCE_FOREIGN_LAYER');
    });

    it('is fetched from where it says, without credentials', async () => {
      await newUser();
      const [{ digest }] = JSON.parse(text).layers;
      const elsewhere = await registryProxy(registry.host);
      const challenge = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
      const proxy = await registryProxy(
        registry.host,
        { path: /manifests/, answer: challenge },
        foreign([`http://${elsewhere.host}/v2/box/blobs/${digest}`]),
      );
      const resources = new Resources();
      onTestFinished(() => resources.close());
      const credentials = { username: 'me', password: 's3cret' };
      const options = { ...QUICK, credentials, allowForeignLayers: true };
      const request = { reference: 'x', name: `${proxy.host}/box:1`, platform: undefined, options };
      const image = await openRegistryImage(request, { resources, limits: { maxSize: 2 ** 30, maxEntries: 1000 } });
      expect((await openedImage(image).fetch(image.layers))[0]?.blob.length).toBeGreaterThan(0);
      expect(elsewhere.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
      expect(proxy.on(new RegExp(digest))).toEqual([]);
      expect(proxy.seen.at(-1)?.headers.authorization).toMatch(/^Basic /);
    });
  });
});
