import { describe, expect, test } from 'vitest';
import { configOf, diffIdOf, gzipped, imageIdOf, layerOf, sha256 } from '../../helpers/built-image.js';
import { docker25Archive, dockerArchive, legacyIdOf } from '../../helpers/docker-archive.js';
import { writeArchive, writeFolder } from '../../helpers/members.js';
import { bytesOf, opened, refusal } from '../../helpers/opened.js';

const base = await layerOf({ 'etc/': { type: 'directory' }, 'etc/a': 'one' });
const top = await layerOf({ 'etc/b': 'two' });
const app = { tags: ['app:1', 'app:latest'], layers: [base, top] };
const parent = { tags: ['base:1'], layers: [base] };
const other = { tags: ['other:1'], layers: [top] };

describe('an archive of Docker up to 24', () => {
  test('gives config, layers and history', async () => {
    const image = await opened(await writeArchive(dockerArchive([app])));
    expect(image).toMatchObject({
      id: imageIdOf(app),
      tags: app.tags,
      platform: { os: 'linux', architecture: 'amd64' },
      source: { transport: 'docker-archive' },
    });
    expect(image.layers).toMatchObject([
      { diffId: diffIdOf(base), legacyId: legacyIdOf([base]), tags: [], compression: 'none' },
      { diffId: diffIdOf(top), legacyId: legacyIdOf([base, top]), tags: app.tags, imageId: imageIdOf(app) },
    ]);
    expect(await Promise.all(image.layers.map(({ blob }) => bytesOf(blob)))).toEqual([base, top]);
    expect(image.history.map((row) => row.history.createdBy)).toEqual(['step 1', 'step 2']);
  });

  test('is read unpacked, too', async () => {
    const image = await opened(await writeFolder(dockerArchive([app])));
    expect(await Promise.all(image.layers.map(({ blob }) => bytesOf(blob)))).toEqual([base, top]);
  });

  test('may name its members ./X, and manifest.json anywhere', async () => {
    const members = Object.entries(dockerArchive([app])).map(([name, member]) => [`./${name}`, member] as const);
    expect((await opened(await writeArchive(members.reverse()))).id).toBe(imageIdOf(app));
  });

  test('may have no tags', async () => {
    const image = await opened(await writeArchive(dockerArchive([{ layers: [base] }])));
    expect(image.tags).toEqual([]);
  });

  test('may hold layers that are compressed, whatever their names say', async () => {
    const members = dockerArchive([app]);
    members[`${legacyIdOf([base])}/layer.tar`] = gzipped(base);
    expect((await opened(await writeArchive(members))).layers.map(({ compression }) => compression)).toEqual([
      'gzip',
      'none',
    ]);
  });

  test.each(['symlink', 'link'] as const)('may hold a layer as a %s to another one', async (type) => {
    const members = dockerArchive([{ layers: [base, top, base] }]);
    const target = `${legacyIdOf([base])}/layer.tar`;
    const linkname = type === 'link' ? target : `../${target}`;
    members[`${legacyIdOf([base, top, base])}/layer.tar`] = { type, linkname };
    const image = await opened(await writeArchive(members));
    expect(await Promise.all(image.layers.map(({ blob }) => bytesOf(blob)))).toEqual([base, top, base]);
    expect(new Set(image.layers.map(({ name }) => name)).size).toBe(3);
  });

  test('may name one layer twice', async () => {
    const members = dockerArchive([{ layers: [base, top, base] }]);
    const manifest = JSON.parse(members['manifest.json'] as string);
    manifest[0].Layers[2] = manifest[0].Layers[0];
    const image = await opened(await writeArchive({ ...members, 'manifest.json': JSON.stringify(manifest) }));
    expect(image.layers[2]?.blob).toEqual(image.layers[0]?.blob);
    expect(new Set(image.layers.map(({ name }) => name)).size).toBe(3);
  });

  test('may hold empty layers, of no bytes and of zeros', async () => {
    const empty = { layers: [Buffer.alloc(0), Buffer.alloc(1024)] };
    const image = await opened(await writeArchive(dockerArchive([empty])));
    expect(image.layers.map(({ blob }) => blob.length)).toEqual([0, 1024]);
  });

  test('may hold an image without layers', async () => {
    expect((await opened(await writeArchive(dockerArchive([{ layers: [] }])))).layers).toEqual([]);
  });
});

describe('an archive of Docker 25 and later', () => {
  test.each([
    { gzip: false, nested: false },
    { gzip: true, nested: true },
  ])('gives digests, sizes and media types (%o)', async (options) => {
    const image = await opened(await writeArchive(docker25Archive([app], options)));
    const stored = options.gzip ? gzipped(base) : base;
    expect(image.layers[0]).toMatchObject({
      digest: `sha256:${sha256(stored)}`,
      claimedSize: stored.length,
      diffId: diffIdOf(base),
      mediaType: `application/vnd.oci.image.layer.v1.tar${options.gzip ? '+gzip' : ''}`,
      compression: options.gzip ? 'gzip' : 'none',
    });
    expect(image.manifestDigest).toMatch(/^sha256:/);
    expect(image.source.transport).toBe('docker-archive');
  });

  test('finds an image by the digest of its manifest and of the index around it', async () => {
    const members = docker25Archive([app, other], { nested: true });
    const index = JSON.parse(members['index.json'] as string).manifests[0].digest;
    const path = await writeArchive(members);
    const image = await opened(path, { image: index });
    expect(image.id).toBe(imageIdOf(app));
    expect((await opened(path, { image: image.manifestDigest?.slice(7, 19) ?? '' })).id).toBe(imageIdOf(app));
  });

  test('may lack the manifests that manifest.json does not need', async () => {
    const members = docker25Archive([app], { nested: true });
    const image = await opened(await writeArchive({ ...members, 'index.json': '{"broken"' }));
    expect(image.id).toBe(imageIdOf(app));
    expect(image.manifestDigest).toBeUndefined();
  });

  test('is read as an OCI layout when the reference says so', async () => {
    const path = await writeArchive(docker25Archive([app]));
    expect((await opened(`oci-archive:${path}`)).source.transport).toBe('oci-archive');
  });
});

describe('an archive of several images', () => {
  const archive = () => writeArchive(dockerArchive([parent, app, other]));

  test.each([
    ['app', app],
    ['docker.io/library/app:1', app],
    ['base:1', parent],
    ['@2', other],
    [imageIdOf(app).slice(0, 12), app],
    [`sha256:${imageIdOf(other)}`, other],
  ])('gives the one that is chosen by %s', async (selector, expected) => {
    const path = await archive();
    expect((await opened(path, { image: selector })).id).toBe(imageIdOf(expected));
    expect((await opened(`docker-archive:${path}:${selector}`)).id).toBe(imageIdOf(expected));
  });

  test('lists them when none is chosen', async () => {
    const failure = await refusal(await archive());
    expect(failure.code).toBe('DIMGX_SOURCE_AMBIGUOUS');
    for (const text of ['base:1', 'app:1, app:latest', 'other:1', imageIdOf(app).slice(0, 12)]) {
      expect(failure.message).toContain(text);
    }
  });

  test.each(['app:2', '@3', 'ffffffffffff', 'b a s e'])('says what it has when %s is not in it', async (image) => {
    const failure = await refusal(await archive(), { image });
    expect(failure.code).toBe('DIMGX_SOURCE_NO_SUCH_IMAGE');
    expect(failure.message).toContain('other:1');
  });

  test('refuses a prefix that is of several IDs', async () => {
    expect((await refusal(await archive(), { image: '' })).code).toBe('DIMGX_SOURCE_NO_SUCH_IMAGE');
    const many = Array.from({ length: 17 }, (_, index) => ({ layers: [base], config: { author: `${index}` } }));
    const digit = many
      .map((image) => imageIdOf(image)[0] ?? '')
      .find((first, index, all) => all.indexOf(first) < index);
    const failure = await refusal(await writeArchive(dockerArchive(many)), { image: digit ?? '' });
    expect(failure.code).toBe('DIMGX_SOURCE_AMBIGUOUS');
  });

  test('marks the layers at which the images that it was built upon end', async () => {
    const image = await opened(await archive(), { image: 'app' });
    expect(image.layers.map(({ tags, imageId }) => ({ tags, imageId }))).toEqual([
      { tags: ['base:1'], imageId: imageIdOf(parent) },
      { tags: app.tags, imageId: imageIdOf(app) },
    ]);
  });

  test('is one image when all names are of the same', async () => {
    const twice = [
      { ...app, tags: ['a:1'] },
      { ...app, tags: ['b:1'] },
    ];
    expect((await opened(await writeArchive(dockerArchive(twice)))).tags).toEqual(['a:1', 'b:1']);
  });

  test('escapes and bounds the names that it lists', async () => {
    const nasty = Array.from({ length: 1000 }, (_, index) => ({
      tags: [`\x1b]0;${'x'.repeat(500)}`],
      layers: [base],
      config: { author: `${index}` },
    }));
    const { message } = await refusal(await writeArchive(dockerArchive(nasty)));
    expect(message).toMatch(/^[ -~…]+$/);
    expect(message).toContain('and 980 more');
    expect(message.length).toBeLessThan(5000);
  });
});

describe('a damaged or hostile archive', () => {
  async function changed(
    change: (item: { Config: string; Layers: string[] }) => unknown,
    archive = dockerArchive([app]),
  ) {
    const manifest = JSON.parse(archive['manifest.json'] as string);
    change(manifest[0]);
    return writeArchive({ ...archive, 'manifest.json': JSON.stringify(manifest) });
  }

  test.each(['../x', '/../etc/passwd', 'a/../../x', '', '.', 'a\0b'])(
    'is refused when a layer lies at %j',
    async (path) => {
      const reference = await changed((item) => item.Layers.splice(0, 1, path));
      expect((await refusal(reference)).code).toBe('DIMGX_SOURCE_UNSAFE_PATH');
    },
  );

  test("means its own top by a slash in front, never the machine's", async () => {
    const reference = await changed((item) =>
      Object.assign(item, { Layers: item.Layers.map((path: string) => `/${path}`) }),
    );
    expect((await opened(reference)).id).toBe((await opened(await writeArchive(dockerArchive([app])))).id);
    const outside = await changed((item) => item.Layers.splice(0, 1, '/etc/passwd'));
    expect((await refusal(outside)).code).toBe('DIMGX_SOURCE_MISSING_BLOB');
  });

  test('is refused when its config lies outside', async () => {
    const reference = await changed((item) => Object.assign(item, { Config: '../config.json' }));
    expect((await refusal(reference)).code).toBe('DIMGX_SOURCE_UNSAFE_PATH');
  });

  test('is refused when a layer or the config is missing', async () => {
    expect((await refusal(await changed((item) => item.Layers.splice(0, 1, 'none')))).code).toBe(
      'DIMGX_SOURCE_MISSING_BLOB',
    );
    expect((await refusal(await changed((item) => Object.assign(item, { Config: 'none' })))).code).toBe(
      'DIMGX_SOURCE_MISSING_BLOB',
    );
  });

  test('is refused when manifest and config count differently', async () => {
    expect((await refusal(await changed((item) => item.Layers.pop()))).code).toBe('DIMGX_IMAGE_LAYER_COUNT');
  });

  test('is refused when the config is not the one that its name promises', async () => {
    const archive = {
      ...dockerArchive([app]),
      [`${imageIdOf(app)}.json`]: configOf({ ...app, config: { author: 'x' } }),
    };
    const path = await writeArchive(archive);
    expect((await refusal(path)).code).toBe('DIMGX_IMAGE_DIGEST_MISMATCH');
    expect((await opened(path, { verify: false })).id).toBe(imageIdOf(app));
  });

  test('is refused when a layer is not as long as its descriptor says', async () => {
    const archive = docker25Archive([app]);
    const path = await writeArchive({ ...archive, [`blobs/sha256/${sha256(base)}`]: base.subarray(0, 512) });
    expect((await refusal(path)).code).toBe('DIMGX_IMAGE_SIZE_MISMATCH');
    expect((await opened(path, { verify: false })).layers[0]?.blob.length).toBe(512);
  });

  test.each([
    ['fifo', {}],
    ['directory', {}],
    ['character-device', { devmajor: 1, devminor: 5 }],
    ['symlink', { linkname: '../none' }],
    ['symlink', { linkname: 'layer.tar' }],
    ['link', { linkname: 'none' }],
  ] as const)('is refused when a layer is a %s (%o)', async (type, header) => {
    const archive = { ...dockerArchive([app]), [`${legacyIdOf([base])}/layer.tar`]: { type, ...header } };
    expect((await refusal(await writeArchive(archive))).code).toBe('DIMGX_SOURCE_BAD_MEMBER');
  });

  test.each(['/etc/passwd', '../../../etc/passwd'])('is refused when a layer is a symlink to %s', async (linkname) => {
    const archive = {
      ...dockerArchive([app]),
      [`${legacyIdOf([base])}/layer.tar`]: { type: 'symlink', linkname } as const,
    };
    expect((await refusal(await writeArchive(archive))).code).toBe('DIMGX_SOURCE_UNSAFE_PATH');
    expect((await refusal(await writeFolder(archive))).code).toMatch(/UNSAFE_PATH|BAD_MEMBER/);
  });

  test.each(['', '[', '[{}]', '"x"', 'null', '[{"Config":1}]', '[{"Config":"x","Layers":[1]}]'])(
    'is refused when manifest.json is %j',
    async (text) => {
      const failure = await refusal(await writeArchive({ ...dockerArchive([app]), 'manifest.json': text }));
      expect(failure.code).toBe('DIMGX_IMAGE_BAD_JSON');
      expect(failure.message).toMatch(/^[ -~]+$/);
    },
  );

  test('is refused before an oversized manifest is read', async () => {
    const archive = { ...dockerArchive([app]), 'manifest.json': Buffer.alloc(4 * 2 ** 20 + 1, '[') };
    expect((await refusal(await writeArchive(archive))).code).toBe('DIMGX_IMAGE_DOCUMENT_TOO_LARGE');
  });

  test('is refused when it names no image', async () => {
    expect((await refusal(await writeArchive({ 'manifest.json': '[]' }))).code).toBe('DIMGX_SOURCE_NOT_AN_IMAGE');
  });
});
