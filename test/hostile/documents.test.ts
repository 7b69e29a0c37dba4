import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '#dimgx/errors.js';
import { type BuiltImage, configOf, imageIdOf, layerOf, sha256 } from '../helpers/built-image.js';
import { dockerArchive, dockerV1Archive } from '../helpers/docker-archive.js';
import { measureDimgx } from '../helpers/measure-dimgx.js';
import { type Member, writeArchive } from '../helpers/members.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { expectRefusal } from '../helpers/refusal.js';
import { shortOrLong } from '../helpers/short-or-long.js';

const image: BuiltImage = { tags: ['box:1'], layers: [await layerOf({ a: 'hello' })] };
const docker = dockerArchive([image]);
const [item] = JSON.parse(String(docker['manifest.json']));
const MIB = 2 ** 20;

const bad: ErrorCode = 'DIMGX_IMAGE_BAD_JSON';
const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('a manifest.json of another shape', () => {
  test.each<[string, string, ErrorCode]>([
    ['nothing', '', bad],
    ['a blank', ' ', bad],
    ['null', 'null', bad],
    ['a number', '17', bad],
    ['a text', '"text"', bad],
    ['true', 'true', bad],
    ['no image', '[]', 'DIMGX_SOURCE_NOT_AN_IMAGE'],
    ['an image that is null', '[null]', bad],
    ['an image that is a list', '[[]]', bad],
    ['an image that is a text', '["image"]', bad],
    ['an image without a config', JSON.stringify([{ ...item, Config: undefined }]), bad],
    ['a config that is null', JSON.stringify([{ ...item, Config: null }]), bad],
    ['layers that are a text', JSON.stringify([{ ...item, Layers: 'layer.tar' }]), bad],
    ['layers that are an object', JSON.stringify([{ ...item, Layers: { length: 1 } }]), bad],
    ['a layer that is null', JSON.stringify([{ ...item, Layers: [null] }]), bad],
    ['a layer that is a number', JSON.stringify([{ ...item, Layers: [1] }]), bad],
    ['no layers', JSON.stringify([{ ...item, Layers: null }]), 'DIMGX_IMAGE_LAYER_COUNT'],
    ['nested deeper than any stack', deep(10 ** 6), bad],
    ['keys of the prototype', '[{"__proto__":{"Config":"x"},"constructor":1}]', bad],
    ['what is not UTF-8', '["\xff"]', bad],
    ['with rubbish behind it', `${docker['manifest.json']}x`, bad],
  ])('%s', async (_, text, code) => {
    const bytes = text === '["\xff"]' ? Buffer.from(text, 'latin1') : text;
    await expectRefusal(await writeArchive({ ...docker, 'manifest.json': bytes }), code);
  });
});

/** An archive of which the config is this text, under its right name. */
function withConfig(config: string): Record<string, Member> {
  return {
    ...docker,
    [`${sha256(config)}.json`]: config,
    'manifest.json': JSON.stringify([{ ...item, Config: `${sha256(config)}.json` }]),
  };
}

describe('a config of another shape', () => {
  const config = JSON.parse(configOf(image).toString());
  test.each<[string, unknown, ErrorCode]>([
    ['null', null, bad],
    ['a list', [], bad],
    ['nothing in it', {}, 'DIMGX_IMAGE_LAYER_COUNT'],
    ['no rootfs', { ...config, rootfs: null }, 'DIMGX_IMAGE_LAYER_COUNT'],
    ['a rootfs that is a text', { ...config, rootfs: '/' }, bad],
    ['diff IDs that are null', { ...config, rootfs: { diff_ids: null } }, 'DIMGX_IMAGE_LAYER_COUNT'],
    ['a diff ID that is null', { ...config, rootfs: { diff_ids: [null] } }, bad],
    ['a diff ID that is none', { ...config, rootfs: { diff_ids: ['sha256:x'] } }, 'DIMGX_IMAGE_BAD_DIGEST'],
    [
      'a diff ID of another algorithm',
      { ...config, rootfs: { diff_ids: [`md5:${'0'.repeat(32)}`] } },
      'DIMGX_IMAGE_BAD_DIGEST',
    ],
    [
      'a diff ID in capitals',
      { ...config, rootfs: { diff_ids: [config.rootfs.diff_ids[0].toUpperCase()] } },
      'DIMGX_IMAGE_BAD_DIGEST',
    ],
    [
      'a diff ID of other bytes',
      { ...config, rootfs: { diff_ids: [`sha256:${'0'.repeat(64)}`] } },
      'DIMGX_IMAGE_DIGEST_MISMATCH',
    ],
    [
      'one diff ID too many',
      { ...config, rootfs: { diff_ids: [...config.rootfs.diff_ids, ...config.rootfs.diff_ids] } },
      'DIMGX_IMAGE_LAYER_COUNT',
    ],
  ])('%s', async (_, value, code) => {
    await expectRefusal(await writeArchive(withConfig(JSON.stringify(value))), code);
  });
});

describe('what does not change the tree is taken, as engines take it', () => {
  const flattened = async (members: Record<string, Member>) => {
    const { exitCode, stderr } = await measureDimgx(['-t', '/dev/null', await writeArchive(members)]);
    expect(exitCode).toBe(0);
    return stderr;
  };

  test.each<[string, object]>([
    ['tags that are a text', { RepoTags: 'box:1' }],
    ['tags that are numbers', { RepoTags: [1] }],
    ['sources of layers that are a text', { LayerSources: 'x' }],
    ['a source of a layer of negative size', { LayerSources: { x: { digest: 'x', size: -1 } } }],
  ])('%s', async (_, more) => {
    const stderr = await flattened({ ...docker, 'manifest.json': JSON.stringify([{ ...item, ...more }]) });
    expect(stderr).toMatch(/^(?:dimgx: warning: DIMGX_IMAGE_[^\n]*\n)?$/);
  });

  test.each<[string, Record<string, unknown>]>([
    ['a history that is a text', { history: 'long' }],
    ['a step of history that is a number', { history: [1] }],
    ['an architecture that is a list', { architecture: ['amd64'] }],
    ['a time that is a number', { created: 1 }],
  ])('%s', async (_, more) => {
    const stderr = await flattened(withConfig(configOf({ ...image, config: more }).toString()));
    expect(stderr).toMatch(/^dimgx: warning: DIMGX_IMAGE_ODD_CONFIG: [^\n]*\n$/);
  });
});

test('a document that is deeply nested where nobody looks is listed and flattened', async () => {
  const config = `{"x":${deep(100_000)},${configOf(image).toString().slice(1)}`;
  const path = await writeArchive(withConfig(config));
  for (const args of [[], ['--json'], ['-t', '/dev/null']]) {
    const { exitCode, stderr } = await measureDimgx([...args, path]);
    expect({ args, exitCode, stderr }).toEqual({ args, exitCode: 0, stderr: '' });
  }
});

describe('documents that are too large', () => {
  test('a manifest as large as may be, of the smallest of values', async () => {
    for (const value of shortOrLong(['{},', '{"Config":""},'], ['[],', '{},', '"",', '0,', '{"Config":""},'])) {
      const text = `[${value.repeat(Math.floor((4 * MIB - 16) / value.length))}0]`;
      await expectRefusal(await writeArchive({ ...docker, 'manifest.json': text }), bad);
    }
  });

  test('as many layers as a config holds', async () => {
    const diffId = `sha256:${sha256(image.layers[0] ?? '')}`;
    const count = shortOrLong(15_000, 50_000);
    const many = withConfig(JSON.stringify({ rootfs: { diff_ids: Array(count).fill(diffId) } }));
    const [changed] = JSON.parse(String(many['manifest.json']));
    many['manifest.json'] = JSON.stringify([{ ...changed, Layers: Array(count).fill(item.Layers[0]) }]);
    const { exitCode, peak } = await measureDimgx(['-q', await writeArchive(many)]);
    expect(exitCode).toBe(0);
    expect(peak).toBeLessThan(400);
  });

  test('large documents without number', async () => {
    const huge = `{"x":[${'{},'.repeat(1.3 * MIB)}0]}`;
    const layers = Array.from({ length: shortOrLong(20, 80) }, (_, i) => `${i}`.padStart(64, '0'));
    // as long, and read more quickly
    const plain = JSON.stringify({ x: 'x'.repeat(huge.length - 8) });
    const members = Object.fromEntries(layers.map((id, i) => [`${id}/json`, shortOrLong(i < 2, true) ? huge : plain]));
    await expectRefusal(await writeArchive({ ...members, repositories: '{}' }), 'DIMGX_IMAGE_DOCUMENT_TOO_LARGE', {
      peak: 700,
    });
  });

  test('indexes that lead to millions of manifests', async () => {
    const layout = new OciLayout();
    const leaf = `{"digest":"sha256:${'0'.repeat(64)}","size":1},`;
    const body = leaf.repeat(40_000);
    const indexes = Array.from({ length: shortOrLong(25, 70) }, (_, i) =>
      layout.blob(
        `{"schemaVersion":2,"n":${i},"manifests":[${body.slice(0, -1)}]}`,
        'application/vnd.oci.image.index.v1+json',
      ),
    );
    const top = layout.index(indexes);
    await expectRefusal(await writeArchive(layout.top([top])), 'DIMGX_IMAGE_DOCUMENT_TOO_LARGE', { peak: 700 });
  });
});

describe('the form of 2015', () => {
  const ids = Array.from({ length: 3 }, (_, i) => String(i + 1).repeat(64));
  const [a = '', b = '', c = ''] = ids;
  const layer = image.layers[0] ?? Buffer.alloc(0);
  const json = (id: string, parent?: string) => JSON.stringify({ id, parent });

  test.each<[string, Record<string, Member>, ErrorCode]>([
    [
      'of a layer that is its own parent',
      dockerV1Archive([{ id: a, parent: a, layer, tags: ['x:1'] }]),
      'DIMGX_LAYER_BAD_PARENT',
    ],
    [
      'of parents in a loop',
      dockerV1Archive([
        { id: a, parent: b, layer, tags: ['x:1'] },
        { id: b, parent: c, layer },
        { id: c, parent: b, layer },
      ]),
      'DIMGX_LAYER_BAD_PARENT',
    ],
    [
      'of a parent that is not there',
      dockerV1Archive([{ id: a, parent: b, layer, tags: ['x:1'] }]),
      'DIMGX_LAYER_BAD_PARENT',
    ],
    [
      'of a tag on nothing',
      { ...dockerV1Archive([{ id: a, layer }]), repositories: JSON.stringify({ x: { '1': b } }) },
      'DIMGX_LAYER_BAD_PARENT',
    ],
    [
      'of a tag that is a path',
      { ...dockerV1Archive([{ id: a, layer }]), repositories: '{"x":{"1":"../../etc"}}' },
      'DIMGX_LAYER_BAD_PARENT',
    ],
    [
      'of a parent that is a path',
      { ...dockerV1Archive([{ id: a, layer, tags: ['x:1'] }]), [`${a}/json`]: json(a, '../x') },
      'DIMGX_LAYER_BAD_PARENT',
    ],
    [
      'of a parent that is a number',
      { ...dockerV1Archive([{ id: a, layer, tags: ['x:1'] }]), [`${a}/json`]: '{"parent":1}' },
      bad,
    ],
    [
      'of a layer under another name',
      { ...dockerV1Archive([{ id: a, layer, tags: ['x:1'] }]), [`${a}/json`]: json(b) },
      bad,
    ],
    ['of repositories that are a text', { ...dockerV1Archive([{ id: a, layer }]), repositories: '"x"' }, bad],
    ['of nothing', { repositories: '{}' }, 'DIMGX_SOURCE_NOT_AN_IMAGE'],
  ])('%s', async (_, members, code) => expectRefusal(await writeArchive(members), code));

  test('of a chain of ten thousand layers that ends in a loop', async () => {
    const id = (i: number) => i.toString(16).padStart(64, '0');
    const members: Record<string, Member> = { repositories: JSON.stringify({ x: { '1': id(0) } }) };
    for (let i = 0; i < 10_000; i++) members[`${id(i)}/json`] = json(id(i), id(i === 9999 ? 5000 : i + 1));
    await expectRefusal(await writeArchive(members), 'DIMGX_LAYER_BAD_PARENT');
  });
});

test('several images are listed on one line, whatever their names hold', async () => {
  const second = { ...image, tags: ['\x1b[2Jevil\u202e:1\n2'], config: { author: 'x' } };
  await expectRefusal(await writeArchive(dockerArchive([image, second])), 'DIMGX_SOURCE_AMBIGUOUS', {
    saying: imageIdOf(second).slice(0, 12),
  });
});
