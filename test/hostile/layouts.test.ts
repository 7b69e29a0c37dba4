import { describe, test } from 'vitest';
import type { ErrorCode } from '#dimgx/errors.js';
import { type BuiltImage, configOf, layerOf } from '../helpers/built-image.js';
import { type Member, writeArchive, writeFolder } from '../helpers/members.js';
import { OciLayout, ociLayout } from '../helpers/oci-layout.js';
import { expectRefusal } from '../helpers/refusal.js';
import { inTurn } from '../helpers/short-or-long.js';

const image: BuiltImage = { tags: ['box:1'], layers: [await layerOf({ a: 'hello' })] };
const bad: ErrorCode = 'DIMGX_IMAGE_BAD_JSON';

describe('a layout', () => {
  const layout = (change: (layout: OciLayout) => object[]) => {
    const made = new OciLayout();
    return made.top(change(made) as never);
  };
  const manifestType = 'application/vnd.oci.image.manifest.v1+json';
  const indexType = 'application/vnd.oci.image.index.v1+json';
  const good = ociLayout([image]);
  const withIndex = (text: string) => ({ ...good, 'index.json': text });

  test.each<[string, Record<string, Member>, ErrorCode]>([
    ['without an index', { 'oci-layout': '{}' }, 'DIMGX_SOURCE_MISSING_BLOB'],
    ['with an index that is null', withIndex('null'), bad],
    ['with an index that is a list', withIndex('[]'), bad],
    ['with no manifests', withIndex('{"schemaVersion":2}'), 'DIMGX_SOURCE_NOT_AN_IMAGE'],
    ['with manifests that are an object', withIndex('{"schemaVersion":2,"manifests":{}}'), bad],
    ['with a manifest that is null', withIndex('{"schemaVersion":2,"manifests":[null]}'), bad],
    ['with a digest that is null', withIndex('{"schemaVersion":2,"manifests":[{"digest":null,"size":1}]}'), bad],
    [
      'with a size that is no integer',
      withIndex(`{"schemaVersion":2,"manifests":[{"digest":"sha256:${'0'.repeat(64)}","size":1.5}]}`),
      bad,
    ],
    [
      'with a size over all',
      withIndex(`{"schemaVersion":2,"manifests":[{"digest":"sha256:${'0'.repeat(64)}","size":1e300}]}`),
      bad,
    ],
    [
      'with an absent manifest',
      withIndex(`{"schemaVersion":2,"manifests":[{"digest":"sha256:${'0'.repeat(64)}","size":1}]}`),
      'DIMGX_SOURCE_MISSING_BLOB',
    ],
    [
      'with a manifest of another size',
      layout((made) => [{ ...made.manifest(image), size: 7 }]),
      'DIMGX_IMAGE_SIZE_MISMATCH',
    ],
    [
      'with a manifest of other bytes',
      (() => {
        const made = new OciLayout();
        const manifest = made.manifest(image);
        const path = `blobs/sha256/${manifest.digest.slice(7)}`;
        made.members[path] = String(made.members[path]).replace('2', '3');
        return made.top([manifest]);
      })(),
      'DIMGX_IMAGE_DIGEST_MISMATCH',
    ],
    [
      'with a layer of another size',
      layout((made) => {
        const config = made.blob(configOf(image), 'application/vnd.oci.image.config.v1+json');
        const [layer = ''] = image.layers;
        return [made.json({ schemaVersion: 2, config, layers: [{ ...made.blob(layer, ''), size: 1 }] }, manifestType)];
      }),
      'DIMGX_IMAGE_SIZE_MISMATCH',
    ],
    [
      'with an absent layer',
      layout((made) => {
        const config = made.blob(configOf(image), 'application/vnd.oci.image.config.v1+json');
        const layers = [{ digest: `sha256:${'1'.repeat(64)}`, size: 1 }];
        return [made.json({ schemaVersion: 2, config, layers }, manifestType)];
      }),
      'DIMGX_SOURCE_MISSING_BLOB',
    ],
    [
      'with a manifest that is an index too',
      layout((made) => [made.json({ schemaVersion: 2, manifests: [], layers: [] }, manifestType)]),
      bad,
    ],
    [
      'with a manifest of schema 1',
      layout((made) => [made.json({ schemaVersion: 1, fsLayers: [] }, manifestType)]),
      'DIMGX_SOURCE_NOT_AN_IMAGE',
    ],
    [
      'with what is no image',
      layout((made) => [
        made.json({ schemaVersion: 2, config: made.blob('{}', 'application/vnd.x'), layers: [] }, manifestType),
      ]),
      'DIMGX_SOURCE_NOT_AN_IMAGE',
    ],
    [
      'with indexes nested without sense',
      layout((made) => {
        let top = made.manifest(image);
        for (let depth = 0; depth < 20; depth++) top = made.json({ schemaVersion: 2, manifests: [top] }, indexType);
        return [top];
      }),
      bad,
    ],
    [
      'with an image for another machine only',
      layout((made) => [
        made.json(
          {
            schemaVersion: 2,
            manifests: [
              { ...made.manifest(image), platform: { os: 'plan9', architecture: '\x1b[31m' } },
              { ...made.manifest(image), platform: { os: 'a', architecture: 'b' } },
            ],
          },
          indexType,
        ),
      ]),
      'DIMGX_SOURCE_NO_PLATFORM',
    ],
  ])('%s', async (_, members, code) => {
    for (const write of inTurn([writeArchive, writeFolder])) await expectRefusal(await write(members), code);
  });
});
