import { describe, expect, test } from 'vitest';
import type { Warning } from '#dimgx/errors.js';
import { configOf, imageIdOf, layerOf } from '../helpers/built-image.js';
import { docker25Archive, dockerArchive, dockerV1Archive } from '../helpers/docker-archive.js';
import { flattenedFiles } from '../helpers/flattened-files.js';
import { type Member, writeArchive, writeFolder } from '../helpers/members.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { opened, refusal } from '../helpers/opened.js';
import { callDimgx } from '../helpers/shared-dimgx.js';

const layer = await layerOf({ a: 'one' });
const app = { tags: ['app:1'], layers: [layer] };
const LAYER = 'application/vnd.oci.image.layer.v1.tar';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

type Fields = Record<string, unknown>;

interface Odd {
  readonly config?: Fields;
  /** Of the descriptor of the layer, and of the one of the config. */
  readonly descriptor?: Fields;
  readonly manifest?: Fields;
  /** Of the manifest's descriptor in the index. */
  readonly listed?: Fields;
  readonly index?: Fields;
}

/** A layout of one image with odd fields. A field that is `undefined` is left out. */
function oddLayout({
  config = {},
  descriptor = {},
  manifest = {},
  listed = {},
  index = {},
}: Odd): Record<string, Member> {
  const layout = new OciLayout();
  const stored = { ...layout.blob(layer, LAYER), ...descriptor };
  const own = { ...layout.blob(configOf({ ...app, config }), CONFIG), ...descriptor };
  const document = { schemaVersion: 2, mediaType: MANIFEST, config: own, layers: [stored], ...manifest };
  const top = { ...layout.json(document, MANIFEST), ...listed };
  layout.top([]);
  layout.members['index.json'] = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [top], ...index });
  return layout.members;
}

async function read(path: string) {
  const warnings: Warning[] = [];
  const files = await flattenedFiles(path, { onWarning: (warning) => warnings.push(warning) });
  return { files, codes: warnings.map(({ code }) => code), warnings };
}

describe('documents that say less than they should', () => {
  test.each<[string, Odd]>([
    ['sizes', { descriptor: { size: undefined }, listed: { size: undefined } }],
    ['sizes, by -1', { descriptor: { size: -1 }, listed: { size: -1 } }],
    ['sizes, by null', { descriptor: { size: null }, listed: { size: null } }],
    ['schema versions', { manifest: { schemaVersion: undefined }, index: { schemaVersion: undefined } }],
    ['media types', { manifest: { mediaType: undefined }, index: { mediaType: null }, listed: { mediaType: null } }],
    ['annotations and URLs', { descriptor: { annotations: null, urls: null, platform: null } }],
    ['a value of an annotation', { listed: { annotations: { 'org.opencontainers.image.ref.name': null } } }],
  ])('are read without %s', async (_, odd) => {
    const members = oddLayout(odd);
    for (const path of [await writeFolder(members), await writeArchive(members)]) {
      expect(await read(path)).toEqual({ files: { a: 'one' }, codes: [], warnings: [] });
    }
  });

  test('have no size to compare, and a digest all the same', async () => {
    const members = oddLayout({ descriptor: { size: undefined } });
    const image = await opened(await writeFolder(members));
    expect(image.layers[0]?.claimedSize).toBeUndefined();
    const name = Object.keys(members).find((key) => members[key] === layer) ?? '';
    const longer = await writeFolder({ ...members, [name]: Buffer.concat([layer, Buffer.alloc(512)]) });
    await expect(flattenedFiles(longer)).rejects.toMatchObject({ code: 'DIMGX_IMAGE_DIGEST_MISMATCH' });
  });

  test('leave the size of their image open in a list', async () => {
    const path = await writeFolder(oddLayout({ descriptor: { size: undefined } }));
    const { stdout } = await callDimgx('images', '--json', path);
    expect(JSON.parse(stdout).images).toMatchObject([{ size: null, whole: true }]);
  });

  test.each([null, undefined, [null]])('name no tags: %j', async (RepoTags) => {
    for (const members of [dockerArchive([app]), docker25Archive([app])]) {
      const [item] = JSON.parse(String(members['manifest.json']));
      const path = await writeArchive({ ...members, 'manifest.json': JSON.stringify([{ ...item, RepoTags }]) });
      expect(await read(path)).toEqual({ files: { a: 'one' }, codes: [], warnings: [] });
    }
  });
});

describe('documents with malformed fields', () => {
  test.each<[string, Odd]>([
    ['annotations of a layer', { descriptor: { annotations: { x: {} } } }],
    ['annotations that are a list', { listed: { annotations: ['x'] } }],
    ['URLs', { descriptor: { urls: 'https://example.com' } }],
    ['a platform', { listed: { platform: 'linux/amd64' } }],
    ['parts of a platform', { listed: { platform: { os: 1, architecture: [] } } }],
    ['the media type of a layer', { descriptor: { mediaType: 1 } }],
    ['the media type of a manifest', { listed: { mediaType: {} }, manifest: { mediaType: 5 } }],
    ['the media type of an index', { index: { mediaType: ['x'] } }],
    ['a schema version', { index: { schemaVersion: '2' }, manifest: { schemaVersion: '2' } }],
    ['an artifact type', { manifest: { artifactType: 7 } }],
  ])('are read with a warning: %s', async (_, odd) => {
    const path = await writeFolder(oddLayout(odd));
    const { files, codes, warnings } = await read(path);
    expect({ files, codes }).toEqual({ files: { a: 'one' }, codes: ['DIMGX_IMAGE_ODD_MANIFEST'] });
    expect(warnings[0]?.message).toMatch(/ does not have the required structure at .*: it is left out$/);
    expect((await refusal(path, { strictInput: true })).code).toBe('DIMGX_IMAGE_ODD_MANIFEST');
  });

  test('take numbers in annotations for names', async () => {
    const path = await writeFolder(
      oddLayout({ listed: { annotations: { 'org.opencontainers.image.ref.name': 1.2 } } }),
    );
    expect((await opened(`oci:${path}:1.2`)).id).toBe(imageIdOf(app));
  });

  test('are refused when the fields say what is read', async () => {
    for (const odd of [
      { descriptor: { digest: 5 } },
      { descriptor: { size: 'x' } },
      { descriptor: { size: -2 } },
      { manifest: { layers: {} } },
      { manifest: { config: [] } },
      { index: { manifests: 'x' } },
      { config: { rootfs: { diff_ids: [1] } } },
    ]) {
      expect((await refusal(await writeFolder(oddLayout(odd)))).code).toBe('DIMGX_IMAGE_BAD_JSON');
    }
    const counts = oddLayout({ config: { rootfs: null } });
    expect((await refusal(await writeFolder(counts))).code).toBe('DIMGX_IMAGE_LAYER_COUNT');
  });

  test("are read with a warning when they are Docker's", async () => {
    const members = docker25Archive([app]);
    const [item] = JSON.parse(String(members['manifest.json']));
    for (const odd of [{ RepoTags: 'app:1' }, { RepoTags: [1] }, { LayerSources: [] }]) {
      const path = await writeArchive({ ...members, 'manifest.json': JSON.stringify([{ ...item, ...odd }]) });
      expect(await read(path)).toMatchObject({ files: { a: 'one' }, codes: ['DIMGX_IMAGE_ODD_MANIFEST'] });
    }
    for (const odd of [{ Layers: {} }, { Layers: [1] }, { Config: null }]) {
      const path = await writeArchive({ ...members, 'manifest.json': JSON.stringify([{ ...item, ...odd }]) });
      expect((await refusal(path)).code).toBe('DIMGX_IMAGE_BAD_JSON');
    }
  });

  test('are read with a warning when they are of 2015', async () => {
    const id = 'a'.repeat(64);
    const members = dockerV1Archive([{ id, layer, tags: ['app:1'] }]);
    const with_ = (odd: Fields) => {
      const node = { ...JSON.parse(String(members[`${id}/json`])), ...odd };
      return writeArchive({ ...members, [`${id}/json`]: JSON.stringify(node) });
    };
    for (const odd of [{ created: 17 }, { comment: [] }, { os: {} }, { container_config: { Cmd: 3 } }]) {
      const { files, codes } = await read(await with_(odd));
      expect({ files, codes }).toEqual({
        files: { a: 'one' },
        codes: ['DIMGX_SOURCE_UNVERIFIED', 'DIMGX_IMAGE_ODD_MANIFEST'],
      });
    }
    const text = await with_({ container_config: { Cmd: '/bin/sh -c x' }, comment: null });
    expect((await read(text)).codes).toEqual(['DIMGX_SOURCE_UNVERIFIED']);
    expect((await opened(text)).layers[0]?.history?.createdBy).toBe('/bin/sh -c x');
    for (const odd of [{ id: 5 }, { parent: {} }]) {
      expect((await refusal(await with_(odd))).code).toBe('DIMGX_IMAGE_BAD_JSON');
    }
  });
});

describe('a history', () => {
  const step = { created: '2024-01-02T03:04:05Z', created_by: 'step' };

  test.each([[[step, step]], [[{ ...step, empty_layer: true }]], [[step, step, { ...step, empty_layer: true }]]])(
    'that counts other layers is left out with a warning: %j',
    async (history) => {
      for (const path of [
        await writeFolder(oddLayout({ config: { history } })),
        await writeArchive(dockerArchive([{ ...app, config: { history } }])),
      ]) {
        const { files, codes, warnings } = await read(path);
        expect({ files, codes }).toEqual({ files: { a: 'one' }, codes: ['DIMGX_IMAGE_ODD_CONFIG'] });
        expect(warnings[0]?.message).toMatch(/lists [02] layers, but the image has 1/);
        expect((await refusal(path, { strictInput: true })).code).toBe('DIMGX_IMAGE_ODD_CONFIG');
        const { stdout, code } = await callDimgx(path);
        expect({ code, rows: stdout.split('\n')[1] }).toMatchObject({
          code: 0,
          rows: expect.stringMatching(/ {2}- {2}/),
        });
        expect(stdout).not.toContain('step');
      }
    },
  );

  test.each([[[]], [null], [undefined]])('may be missing: %j', async (history) => {
    expect((await read(await writeFolder(oddLayout({ config: { history } })))).codes).toEqual([]);
  });
});
