import { describe, expect, test } from 'vitest';
import { defaultPlatform } from '#dimgx/image/platform.js';
import { gzipped, imageIdOf, layerOf } from '../helpers/built-image.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { type Members, writeArchive, writeFolder } from '../helpers/members.js';
import { type Descriptor, OciLayout } from '../helpers/oci-layout.js';
import { opened, refusal } from '../helpers/opened.js';

const { architecture } = defaultPlatform();
const layer = await layerOf({ a: 'one' });
const image = { layers: [layer], config: { architecture } };
const second = { layers: [layer], config: { architecture, author: 'second' } };

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const EMPTY = 'application/vnd.oci.empty.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

const named = (descriptor: Descriptor, name: string): Descriptor => ({
  ...descriptor,
  annotations: { 'org.opencontainers.image.ref.name': name },
});
const here = (descriptor: Descriptor): Descriptor => ({ ...descriptor, platform: { os: 'linux', architecture } });

/** A manifest of which nothing in its descriptor says that it is not an image. */
function manifest(layout: OciLayout, more: object, configType = EMPTY, layerType = 'application/x-thing'): Descriptor {
  const config = layout.blob(configType === CONFIG ? '{"architecture":"","os":""}' : '{}', configType);
  const layers = [layout.blob(JSON.stringify(more), layerType)];
  return layout.json({ schemaVersion: 2, mediaType: MANIFEST, config, layers, ...more }, MANIFEST);
}

/** What is filed beside images, and the kind that it is listed as. */
const OTHERS: readonly (readonly [string, (layout: OciLayout, of: Descriptor) => Descriptor])[] = [
  ['signature', (layout) => manifest(layout, {}, CONFIG, 'application/vnd.dev.cosign.simplesigning.v1+json')],
  [
    'signature',
    (layout, of) => ({
      ...layout.manifest({ layers: [Buffer.from('sig')] }),
      annotations: { kind: 'dev.cosignproject.cosign/sigs', of: of.digest },
    }),
  ],
  ['attestation', (layout) => manifest(layout, {}, CONFIG, 'application/vnd.in-toto+json')],
  ['attestation', (layout, of) => layout.attestation(of)],
  ['SBOM', (layout, of) => manifest(layout, { artifactType: 'application/spdx+json', subject: of })],
  ['SBOM', (layout) => manifest(layout, {}, CONFIG, 'text/spdx+json')],
  ['Helm chart', (layout) => manifest(layout, {}, 'application/vnd.cncf.helm.config.v1+json')],
  ['WebAssembly module', (layout) => manifest(layout, {}, 'application/vnd.wasm.config.v0+json', 'application/wasm')],
  ['artifact', (layout) => manifest(layout, {}, 'application/vnd.acme.rocket.config.v1+json')],
  ['artifact', (layout) => ({ ...manifest(layout, {}), artifactType: 'application/vnd.acme.rocket' }) as Descriptor],
  ['SOCI index', (layout) => manifest(layout, { artifactType: 'application/vnd.amazon.soci.index.v2+json' })],
  ['BuildKit cache', (layout) => manifest(layout, {}, 'application/vnd.buildkit.cacheconfig.v0')],
  ['Nydus image', (layout) => manifest(layout, {}, CONFIG, 'application/vnd.oci.image.layer.nydus.blob.v1')],
  [
    'referrer',
    (layout, of) => {
      const config = layout.blob(JSON.stringify({ architecture, os: 'linux' }), CONFIG);
      return layout.json({ schemaVersion: 2, config, layers: [], subject: of }, MANIFEST);
    },
  ],
];

describe.each(OTHERS)('beside an image, a thing of kind %s (%#)', (kind, make) => {
  test.each([true, false])('is not a candidate at the top of a layout (first: %s)', async (first) => {
    const layout = new OciLayout();
    const [of, thing] = [layout.manifest(image), make(layout, layout.manifest(image))];
    expect((await opened(await writeFolder(layout.top(first ? [thing, of] : [of, thing])))).id).toBe(imageIdOf(image));
  });

  test('is passed over in an index, though it is listed first, for the platform or for none', async () => {
    for (const place of [here, (descriptor: Descriptor) => descriptor]) {
      const layout = new OciLayout();
      const of = layout.manifest(image);
      const members = layout.top([layout.index([place(make(layout, of)), place(of)])]);
      expect((await opened(await writeFolder(members))).id).toBe(imageIdOf(image));
    }
  });

  test('does not keep two images from being listed', async () => {
    const layout = new OciLayout();
    const of = named(layout.manifest(image), 'a');
    const members = layout.top([make(layout, of), of, named(layout.manifest(second), 'b')]);
    const { code, choices, message } = await refusal(await writeFolder(members));
    expect(code).toBe('DIMGX_SOURCE_AMBIGUOUS');
    expect(choices?.map(({ kind }) => kind)).toEqual(['image', 'image']);
    expect(message).toContain(`@1 ${of.digest.slice(7, 19)} (a; image for linux/${architecture}); @2 `);
    expect(message).not.toContain(kind);
  });
});

describe('an index', () => {
  test('is taken, and not its children, which are listed beside it', async () => {
    const layout = new OciLayout();
    const [mine, other] = [
      layout.manifest(image),
      layout.manifest({ layers: [layer], config: { architecture: 'vax' } }),
    ];
    const vax = { ...other, platform: { os: 'linux', architecture: 'vax' } };
    const inner = layout.index([here(mine)]);
    for (const [index, ...children] of [
      [layout.index([here(mine), vax]), mine, other],
      [layout.index([inner, vax]), mine, other, inner],
    ] as const) {
      const folder = await writeFolder(layout.top([...children, named(index, 'v1')]));
      expect((await opened(folder)).id).toBe(imageIdOf(image));
      expect((await opened(folder, { image: 'v1' })).tags).toEqual(['v1']);
    }
  });

  test.each(['', undefined])('is known as one though what leads to it says no type (%j)', async (mediaType) => {
    const layout = new OciLayout();
    const untyped = (descriptor: Descriptor) => ({ ...descriptor, mediaType }) as Descriptor;
    const [mine, vax] = [
      here(layout.manifest(image)),
      layout.manifest({ layers: [layer], config: { architecture: 'vax' } }),
    ];
    const index = untyped(layout.index([untyped(mine), untyped(vax)]));
    for (const top of [[index], [index, mine, vax], [layout.index([index, vax])]]) {
      const folder = await writeFolder(layout.top(top));
      expect((await opened(folder)).id).toBe(imageIdOf(image));
      expect((await opened(folder, { platform: 'linux/vax' })).platform).toEqual({ os: 'linux', architecture: 'vax' });
    }
  });

  test('gives an image that wants features of the OS only where there is no ordinary one', async () => {
    const layout = new OciLayout();
    const wanting = (descriptor: Descriptor) => ({
      ...descriptor,
      platform: { os: 'linux', architecture, 'os.features': ['acme.lazy'] },
    });
    const [one, two] = [wanting(layout.manifest(second)), here(layout.manifest(image))];
    expect((await opened(await writeFolder(layout.top([layout.index([one, two])])))).id).toBe(imageIdOf(image));
    expect((await opened(await writeFolder(layout.top([layout.index([one])])))).id).toBe(imageIdOf(second));
  });

  test.each(['[', '{"schemaVersion":1,"fsLayers":[]}', '{"schemaVersion":2}', 'null'])(
    'with a manifest %j for the same platform gives the sound one, and says so',
    async (text) => {
      const layout = new OciLayout();
      const members = layout.top([layout.index([here(layout.blob(text, MANIFEST)), here(layout.manifest(image))])]);
      const warnings: string[] = [];
      const onWarning = ({ code }: { code: string }) => warnings.push(code);
      expect((await opened(await writeFolder(members), { onWarning })).id).toBe(imageIdOf(image));
      expect(warnings).toEqual(['DIMGX_SOURCE_IMAGE_SKIPPED']);
    },
  );

  test('that says nothing of platforms is not refused for a config that nobody can read', async () => {
    const layout = new OciLayout();
    const config = layout.blob('\0asm', CONFIG);
    const broken = layout.json({ schemaVersion: 2, config, layers: [] }, MANIFEST);
    const members = layout.top([layout.index([broken, layout.manifest(image)])]);
    expect((await opened(await writeFolder(members))).id).toBe(imageIdOf(image));
  });
});

describe('a cache that BuildKit exported', () => {
  const cache = 'application/vnd.buildkit.cacheconfig.v0';

  test.each([
    (layout: OciLayout) => layout.index([layout.blob(gzipped(layer), `${LAYER}+gzip`), layout.blob('{}', cache)]),
    (layout: OciLayout) => manifest(layout, {}, cache, `${LAYER}+gzip`),
    (layout: OciLayout) => layout.index([here(manifest(layout, {}, cache, `${LAYER}+gzip`))]),
    (layout: OciLayout) => layout.blob('{}', cache),
  ])('is said to be that (%#)', async (make) => {
    const layout = new OciLayout();
    const folder = await writeFolder(layout.top([named(make(layout), 'latest')]));
    expect(await refusal(folder)).toMatchObject({
      code: 'DIMGX_SOURCE_NOT_AN_IMAGE',
      message: expect.stringContaining('BuildKit'),
    });
  });
});

describe('names', () => {
  const layoutOf = (...names: readonly string[]) => {
    const layout = new OciLayout();
    const images = names.map((name, n) =>
      named(layout.manifest({ layers: [layer], config: { architecture, author: `${n}` } }), name),
    );
    return layout.top(images);
  };

  test('are found by the tag that ends one of them', async () => {
    const folder = await writeFolder(layoutOf('docker.io/library/x:1.2', 'registry:5000/y:1.20', 'z:2'));
    expect((await opened(`oci:${folder}:1.2`)).tags).toEqual(['docker.io/library/x:1.2']);
    expect((await opened(folder, { image: '2' })).tags).toEqual(['z:2']);
    expect((await refusal(`oci:${folder}:20`)).code).toBe('DIMGX_SOURCE_NO_SUCH_IMAGE');
  });

  test('with one tag must be told apart', async () => {
    const folder = await writeFolder(layoutOf('x:1.2', 'y:1.2'));
    expect(await refusal(`oci:${folder}:1.2`)).toMatchObject({
      code: 'DIMGX_SOURCE_AMBIGUOUS',
      message: expect.stringMatching(/x:1\.2.*y:1\.2/),
    });
    expect((await opened(`oci:${folder}:y:1.2`)).tags).toEqual(['y:1.2']);
  });

  test('go before IDs, and whole IDs before tags', async () => {
    const folder = await writeFolder(layoutOf('x:abcdef', 'y:1'));
    expect((await opened(folder, { image: 'abcdef' })).tags).toEqual(['x:abcdef']);
  });

  test('that are empty, or the same twice, are shown as none and as one', async () => {
    const layout = new OciLayout();
    const annotations = { 'io.containerd.image.name': 'x:1', 'org.opencontainers.image.ref.name': 'x:1' };
    const members = layout.top([named(layout.manifest(image), ''), { ...layout.manifest(second), annotations }]);
    const { message, choices } = await refusal(await writeFolder(members));
    expect(choices?.map(({ names }) => names)).toEqual([[], ['x:1']]);
    expect(message).toMatch(/@0 \w{12} \(image for linux\/\w+\); @1 \w{12} \(x:1; image for/);
    const archive = await writeArchive(dockerArchive([{ ...image, tags: ['', 'a:1', 'a:1', '<none>:<none>'] }]));
    expect((await opened(archive)).tags).toEqual(['a:1']);
  });

  test('@N counts what the layout lists, whatever is passed over', async () => {
    const layout = new OciLayout();
    const of = layout.manifest(image);
    const folder = await writeFolder(
      layout.top([layout.attestation(of), named(of, 'a'), named(layout.manifest(second), 'b')]),
    );
    expect((await refusal(folder)).message).toMatch(/@1 .*@2 /);
    expect((await opened(folder, { image: '@2' })).tags).toEqual(['b']);
  });
});

describe('beside an image at the top of a layout', () => {
  const lost = { digest: `sha256:${'4'.repeat(64)}`, size: 9 };
  const INDEX = 'application/vnd.oci.image.index.v1+json';
  const warned = async (members: Members) => {
    const warnings: string[] = [];
    const { id } = await opened(await writeFolder(members), { onWarning: ({ message }) => warnings.push(message) });
    expect(id).toBe(imageIdOf(image));
    return warnings;
  };

  test.each([
    ['an index that is missing', () => ({ ...lost, mediaType: INDEX }), /is missing: .* is used instead/],
    ['a manifest that is missing', () => ({ ...lost, mediaType: MANIFEST }), /is missing: .* is used instead/],
    ['an index that nobody can read', (layout: OciLayout) => layout.blob('[', INDEX), /cannot be read: .* is used/],
    [
      'a manifest that nobody can read',
      (layout: OciLayout) => layout.blob('\xff', MANIFEST),
      /cannot be read: .* is used/,
    ],
    ['an empty manifest', (layout: OciLayout) => layout.blob('', MANIFEST), /cannot be read: .* is used/],
    [
      'a manifest with a config that nobody can read',
      (layout: OciLayout) =>
        layout.json({ schemaVersion: 2, config: layout.blob('\0asm', CONFIG), layers: [] }, MANIFEST),
      /cannot be read: .* is used/,
    ],
  ])('%s is passed over, which is said', async (_, make, says) => {
    for (const name of ['', 'v1'])
      for (const isFirst of [true, false]) {
        const layout = new OciLayout();
        const [other, of] = [make(layout), named(layout.manifest(image), name)];
        expect(await warned(layout.top(isFirst ? [other, of] : [of, other]))).toEqual([expect.stringMatching(says)]);
      }
  });

  test('each of several that are not whole is named', async () => {
    const layout = new OciLayout();
    const members = layout.top([{ ...lost, mediaType: INDEX }, layout.blob('[', MANIFEST), layout.manifest(image)]);
    expect(await warned(members)).toEqual([
      expect.stringContaining('444444444444'),
      expect.stringContaining('cannot be read'),
    ]);
  });

  test('one that is damaged does not give way to another platform', async () => {
    const layout = new OciLayout();
    const vax = layout.manifest({ layers: [layer], config: { architecture: 'vax' } });
    const members = layout.top([here(layout.blob('[', MANIFEST)), vax]);
    expect((await refusal(await writeFolder(members))).message).toMatch(/incomplete|not JSON|not the JSON/);
  });

  test('one that has another name must be told apart, though it cannot be read', async () => {
    const layout = new OciLayout();
    const members = layout.top([named(layout.blob('[', MANIFEST), 'b'), named(layout.manifest(image), 'a')]);
    expect(await refusal(await writeFolder(members))).toMatchObject({
      code: 'DIMGX_SOURCE_AMBIGUOUS',
      message: expect.stringContaining('(b; image, incomplete)'),
    });
  });

  test('an artifact manifest, as it was before OCI 1.1, is not a candidate', async () => {
    const layout = new OciLayout();
    const of = layout.manifest(image);
    const type = 'application/vnd.oci.artifact.manifest.v1+json';
    const artifact = layout.json(
      { mediaType: type, artifactType: 'application/x-thing', blobs: [], subject: of },
      type,
    );
    expect(await warned(layout.top([artifact, of]))).toEqual([]);
    expect(await warned(layout.top([layout.index([artifact, of])]))).toEqual([]);
  });
});

describe('the list of candidates', () => {
  test('says which are not whole', async () => {
    const layout = new OciLayout();
    const lost = { ...named(layout.manifest(second), 'b'), digest: `sha256:${'4'.repeat(64)}` };
    const { message, choices } = await refusal(
      await writeFolder(layout.top([named(layout.manifest(image), 'a'), lost])),
    );
    expect(message).toMatch(/\(a; image for linux\/\w+\); @1 444444444444 \(b; image, incomplete\)/);
    expect(choices?.map(({ isWhole }) => isWhole)).toEqual([true, false]);
  });

  test('of a docker archive survives a config that is missing', async () => {
    const members = dockerArchive([
      { ...image, tags: ['a:1'] },
      { ...second, tags: ['b:1'] },
    ]);
    const items = JSON.parse(String(members['manifest.json']));
    items.push({ Config: 'none.json', RepoTags: ['c:1'], Layers: [] });
    const path = await writeArchive({ ...members, 'manifest.json': JSON.stringify(items) });
    expect((await opened(path, { image: 'a:1' })).id).toBe(imageIdOf(image));
    expect((await refusal(path)).message).toMatch(/c:1; image, incomplete/);
    expect((await refusal(path, { image: 'c:1' })).code).toBe('DIMGX_SOURCE_MISSING_BLOB');
  });
});
