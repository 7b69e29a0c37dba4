import { describe, expect, test } from 'vitest';
import { configOf, diffIdOf, gzipped, imageIdOf, layerOf, sha256 } from '../../helpers/built-image.js';
import { writeArchive, writeFolder } from '../../helpers/members.js';
import { type Descriptor, OciLayout, ociLayout } from '../../helpers/oci-layout.js';
import { bytesOf, opened, refusal } from '../../helpers/opened.js';

const base = await layerOf({ a: 'one' });
const top = await layerOf({ b: 'two' });
const app = { tags: ['app:1'], layers: [base, top] };
const other = { tags: ['other:2'], layers: [top] };
const arm = { layers: [base], config: { architecture: 'arm64' } };

const on = (descriptor: Descriptor, architecture: string, variant?: string): Descriptor => ({
  ...descriptor,
  platform: { os: 'linux', architecture, ...(variant && { variant }) },
});

describe('an OCI layout', () => {
  test.each([false, true])('gives layers with digests, sizes and diff IDs (gzip: %s)', async (gzip) => {
    const folder = await writeFolder(ociLayout([app], { gzip }));
    const image = await opened(`oci:${folder}`);
    const stored = gzip ? gzipped(base) : base;
    expect(image).toMatchObject({ id: imageIdOf(app), source: { transport: 'oci', location: folder } });
    expect(image.manifestDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(image.layers).toMatchObject([
      { digest: `sha256:${sha256(stored)}`, claimedSize: stored.length, diffId: diffIdOf(base), tags: [] },
      { diffId: diffIdOf(top), imageId: imageIdOf(app) },
    ]);
    expect(image.layers.map(({ compression }) => compression)).toEqual(gzip ? ['gzip', 'gzip'] : ['none', 'none']);
    expect(await bytesOf(image.layers[0]?.blob ?? expect.fail())).toEqual(stored);
  });

  test('is read out of an archive, with or without its transport', async () => {
    const path = await writeArchive(ociLayout([app]));
    expect((await opened(`oci-archive:${path}`)).source).toEqual({ transport: 'oci-archive', location: path });
    expect((await opened(path)).source.transport).toBe('oci-archive');
  });

  test('finds the compression by the bytes, whatever the media type says', async () => {
    const layout = new OciLayout();
    const layer = layout.blob(gzipped(base), 'application/vnd.oci.image.layer.v1.tar');
    const config = layout.blob(configOf({ layers: [base] }), 'application/vnd.oci.image.config.v1+json');
    const manifest = layout.json(
      { schemaVersion: 2, config, layers: [layer] },
      'application/vnd.oci.image.manifest.v1+json',
    );
    expect((await opened(await writeFolder(layout.top([manifest])))).layers[0]?.compression).toBe('gzip');
  });

  test.each([
    ['1', app],
    ['app:1', app],
    ['docker.io/library/other:2', other],
    ['@1', other],
    [imageIdOf(app).slice(0, 12), app],
  ])('gives the image chosen by %s', async (selector, expected) => {
    const folder = await writeFolder(ociLayout([app, other]));
    expect((await opened(`oci:${folder}:${selector}`)).id).toBe(imageIdOf(expected));
    expect((await opened(folder, { image: selector })).id).toBe(imageIdOf(expected));
  });

  test('gives the image chosen by the digest of its manifest, at the top or inside an index', async () => {
    const layout = new OciLayout();
    const [x86, arm64] = [on(layout.manifest(app), 'amd64'), on(layout.manifest(arm), 'arm64')];
    const folder = await writeFolder(layout.top([layout.index([x86, arm64]), layout.manifest(other)]));
    expect((await opened(`oci:${folder}@${layout.manifest(other).digest}`)).id).toBe(imageIdOf(other));
    expect((await opened(`oci:${folder}@${arm64.digest}`)).id).toBe(imageIdOf(arm));
  });

  test('lists its images when none or none that it has is chosen', async () => {
    const folder = await writeFolder(ociLayout([app, other]));
    expect(await refusal(folder)).toMatchObject({
      code: 'DIMGX_SOURCE_AMBIGUOUS',
      message: expect.stringContaining('app:1'),
    });
    for (const unknown of [await refusal(`oci:${folder}:3`), await refusal(folder, { image: 'app:3' })]) {
      expect(unknown).toMatchObject({
        code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
        message: expect.stringContaining('other:2'),
      });
    }
  });
});

describe('an index', () => {
  test('gives the image for the platform, past attestations and through nested indexes', async () => {
    const layout = new OciLayout();
    const x86 = on(layout.manifest(app), 'amd64');
    const inner = layout.index([on(layout.manifest(arm), 'arm64', 'v8'), layout.attestation(x86)]);
    const folder = await writeFolder(layout.top([layout.index([layout.attestation(x86), x86, inner])]));
    expect((await opened(folder, { platform: 'linux/amd64' })).id).toBe(imageIdOf(app));
    expect(await opened(folder, { platform: 'linux/arm64' })).toMatchObject({
      id: imageIdOf(arm),
      platform: { architecture: 'arm64' },
    });
  });

  test('lists what it has when the platform is not among it', async () => {
    const layout = new OciLayout();
    const manifests = [on(layout.manifest(app), 'amd64'), on(layout.manifest(arm), 'arm', 'v7')];
    const folder = await writeFolder(layout.top([layout.index(manifests)]));
    expect(await refusal(folder, { platform: 'linux/s390x' })).toMatchObject({
      code: 'DIMGX_SOURCE_NO_PLATFORM',
      message: expect.stringMatching(/linux\/amd64.*linux\/arm\/v7/),
    });
  });

  test('may leave platforms to the configs', async () => {
    const layout = new OciLayout();
    const folder = await writeFolder(layout.top([layout.index([layout.manifest(app), layout.manifest(arm)])]));
    expect((await opened(folder, { platform: 'linux/arm64' })).id).toBe(imageIdOf(arm));
  });

  test('may stand at the top of the layout itself', async () => {
    const layout = new OciLayout();
    const folder = await writeFolder(
      layout.top([on(layout.manifest(app), 'amd64'), on(layout.manifest(arm), 'arm64')]),
    );
    expect((await opened(folder, { platform: 'linux/arm64' })).id).toBe(imageIdOf(arm));
  });

  test('may lack the images of other platforms', async () => {
    const layout = new OciLayout();
    const missing = { ...on(layout.manifest(app), 'arm64'), digest: `sha256:${'0'.repeat(64)}` };
    const folder = await writeFolder(layout.top([layout.index([missing, on(layout.manifest(app), 'amd64')])]));
    expect((await opened(folder, { platform: 'linux/amd64' })).id).toBe(imageIdOf(app));
    expect((await refusal(folder, { platform: 'linux/arm64' })).code).toBe('DIMGX_SOURCE_MISSING_BLOB');
  });

  test('is refused when indexes are nested without end', async () => {
    const layout = new OciLayout();
    let index = layout.index([layout.manifest(app)]);
    for (let depth = 0; depth < 20; depth += 1) index = layout.index([index]);
    const failure = await refusal(await writeFolder(layout.top([index])));
    expect(failure.code).toBe('DIMGX_IMAGE_BAD_JSON');
  });

  test('that holds itself, where nothing is verified, ends', async () => {
    const layout = new OciLayout();
    const index = layout.index([]);
    const loop = JSON.stringify({ schemaVersion: 2, manifests: [index] });
    const members = { ...layout.top([index]), [`blobs/sha256/${index.digest.slice(7)}`]: loop };
    expect((await refusal(await writeFolder(members), { verify: false })).code).toBe('DIMGX_SOURCE_NO_PLATFORM');
  });
});

describe('a damaged or hostile layout', () => {
  const manifestOf = (folder: Record<string, unknown>) =>
    JSON.parse(folder['index.json'] as string).manifests[0] as Descriptor;

  test('is refused when manifest or config do not have their digests', async () => {
    for (const victim of [manifestOf(ociLayout([app])).digest.slice(7), imageIdOf(app)]) {
      const members = ociLayout([app]);
      const text = String(members[`blobs/sha256/${victim}`]);
      const changed = { ...members, [`blobs/sha256/${victim}`]: text.replace('":', '": ') };
      expect((await refusal(await writeFolder(changed))).code).toBe('DIMGX_IMAGE_SIZE_MISMATCH');
      const altered = { ...members, [`blobs/sha256/${victim}`]: text.replace(/[a-z]/, 'X') };
      expect((await refusal(await writeFolder(altered))).code).toBe('DIMGX_IMAGE_DIGEST_MISMATCH');
    }
  });

  test('is refused when a layer is shorter than its descriptor says', async () => {
    const members = { ...ociLayout([app]), [`blobs/sha256/${sha256(base)}`]: base.subarray(1) };
    expect((await refusal(await writeFolder(members))).code).toBe('DIMGX_IMAGE_SIZE_MISMATCH');
  });

  test('is refused when a blob is missing', async () => {
    for (const blob of [sha256(base), imageIdOf(app), manifestOf(ociLayout([app])).digest.slice(7)]) {
      const { [`blobs/sha256/${blob}`]: _, ...members } = ociLayout([app]);
      expect((await refusal(await writeFolder(members))).code).toBe('DIMGX_SOURCE_MISSING_BLOB');
    }
  });

  test.each([
    'sha256:../../../../etc/passwd',
    'sha256/x',
    'sha256:',
    `sha256:${'0'.repeat(63)}`,
    `sha257:${'0'.repeat(64)}`,
  ])('is refused for the digest %j before it becomes a path', async (digest) => {
    const index = { schemaVersion: 2, manifests: [{ mediaType: 'x', size: 1, digest }] };
    const failure = await refusal(await writeFolder({ ...ociLayout([app]), 'index.json': JSON.stringify(index) }));
    expect(failure.code).toBe('DIMGX_IMAGE_BAD_DIGEST');
  });

  test('is refused when manifest and config count differently', async () => {
    const layout = new OciLayout();
    const manifest = layout.manifest({ ...app, config: { rootfs: { type: 'layers', diff_ids: [diffIdOf(base)] } } });
    expect((await refusal(await writeFolder(layout.top([manifest])))).code).toBe('DIMGX_IMAGE_LAYER_COUNT');
  });

  async function refusalOfManifest(manifest: unknown): Promise<string> {
    const layout = new OciLayout();
    const descriptor = layout.json(manifest, 'application/vnd.oci.image.manifest.v1+json');
    return (await refusal(await writeFolder(layout.top([descriptor])))).code;
  }

  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: `sha256:${'0'.repeat(64)}`, size: 1 };

  test('is refused when it is an artifact, a manifest of schema 1, or two things at once', async () => {
    const artifact = { ...config, mediaType: 'application/vnd.example.chart+json' };
    expect(await refusalOfManifest({ schemaVersion: 2, config: artifact, layers: [] })).toBe(
      'DIMGX_SOURCE_NOT_AN_IMAGE',
    );
    expect(await refusalOfManifest({ schemaVersion: 1, fsLayers: [] })).toBe('DIMGX_SOURCE_NOT_AN_IMAGE');
    expect(await refusalOfManifest({ schemaVersion: 2, config, layers: [], manifests: [] })).toBe(
      'DIMGX_IMAGE_BAD_JSON',
    );
  });

  test.each([
    [{}],
    [[]],
    ['x'],
    [{ schemaVersion: 2, config: 5 }],
    [{ schemaVersion: 2, config: { ...config, size: -2 } }],
  ])('is refused when the manifest is %j', async (manifest) => {
    expect(await refusalOfManifest(manifest)).toBe('DIMGX_IMAGE_BAD_JSON');
  });

  test('is refused when it holds no image', async () => {
    expect((await refusal(await writeFolder(ociLayout([])))).code).toBe('DIMGX_SOURCE_NOT_AN_IMAGE');
  });

  test('is no archive of Docker', async () => {
    const path = await writeArchive(ociLayout([app]));
    expect((await refusal(`docker-archive:${path}`)).code).toBe('DIMGX_SOURCE_NOT_AN_IMAGE');
  });
});
