import { describe, expect, test } from 'vitest';
import { layerOf } from '../../helpers/built-image.js';
import { dockerV1Archive, type V1Layer } from '../../helpers/docker-archive.js';
import { writeArchive, writeFolder } from '../../helpers/members.js';
import { bytesOf, opened, refusal, warningsOf } from '../../helpers/opened.js';

const tar = await layerOf({ file: 'x' });
const id = (letter: string) => letter.repeat(64);

/** a ← b ← c, and a ← d */
const A: V1Layer = { id: id('a'), layer: tar, tags: ['base:1'] };
const B: V1Layer = { id: id('b'), parent: id('a'), layer: Buffer.alloc(1024) };
const C: V1Layer = { id: id('c'), parent: id('b'), layer: tar, tags: ['app:1', 'app:latest'] };
const D: V1Layer = { id: id('d'), parent: id('a'), layer: tar, tags: ['other:1'] };

describe('an archive of 2015', () => {
  test('gives the chain of parents, oldest first, with IDs and the tags on the way', async () => {
    const image = await opened(await writeArchive(dockerV1Archive([C, A, B])));
    expect(image).toMatchObject({ id: id('c'), tags: C.tags, source: { transport: 'docker-archive' } });
    expect(image.layers).toMatchObject([
      { legacyId: id('a'), imageId: id('a'), tags: ['base:1'] },
      { legacyId: id('b'), imageId: id('b'), tags: [] },
      { legacyId: id('c'), imageId: id('c'), tags: ['app:1', 'app:latest'] },
    ]);
    expect(await Promise.all(image.layers.map(({ blob }) => bytesOf(blob)))).toEqual([A.layer, B.layer, C.layer]);
    expect(image.history.map(({ history }) => history.createdBy)).toEqual(
      ['aaaa', 'bbbb', 'cccc'].map((four) => `/bin/sh -c echo ${four}`),
    );
    expect(image.platform).toEqual({ os: 'linux', architecture: 'amd64' });
  });

  test('is read unpacked, too', async () => {
    expect((await opened(await writeFolder(dockerV1Archive([A, B, C])))).id).toBe(id('c'));
  });

  test('may lack repositories', async () => {
    const { repositories: _, ...members } = dockerV1Archive([A, B, C]);
    expect(await opened(await writeArchive(members))).toMatchObject({ id: id('c'), tags: [] });
  });

  test('is said once to be without digests', async () => {
    const warnings = await warningsOf(await writeArchive(dockerV1Archive([A, B, C])));
    expect(warnings.map(({ code }) => code)).toEqual(['DIMGX_SOURCE_UNVERIFIED']);
  });

  test('is refused under strict input, for want of digests', async () => {
    const failure = await refusal(await writeArchive(dockerV1Archive([A])), { strictInput: true });
    expect(failure.code).toBe('DIMGX_SOURCE_UNVERIFIED');
  });

  test.each([
    ['app', 'c'],
    ['docker.io/library/app:latest', 'c'],
    ['base:1', 'a'],
    ['b', 'b'],
    [id('d'), 'd'],
  ])('gives of several images the one chosen by %s', async (image, letter) => {
    expect((await opened(await writeArchive(dockerV1Archive([A, B, C, D])), { image })).id).toBe(id(letter));
  });

  test('lists its images when several are not on one chain', async () => {
    const failure = await refusal(await writeArchive(dockerV1Archive([A, B, C, D])));
    expect(failure.code).toBe('DIMGX_SOURCE_AMBIGUOUS');
    for (const tag of ['base:1', 'app:1', 'other:1']) expect(failure.message).toContain(tag);
  });

  test('takes the tip that carries all tags when another carries none', async () => {
    const untagged = { ...D, parent: id('a'), tags: [] };
    const tagged = dockerV1Archive([A, B, C, untagged]);
    expect((await opened(await writeArchive(tagged))).id).toBe(id('c'));
  });

  test('refuses a prefix that several IDs have', async () => {
    const twins = [
      { ...A, tags: [] },
      { ...A, id: `ab${'0'.repeat(62)}`, tags: [] },
    ];
    const path = await writeArchive(dockerV1Archive(twins));
    expect((await refusal(path, { image: 'a' })).code).toBe('DIMGX_SOURCE_AMBIGUOUS');
    expect((await opened(path, { image: 'ab' })).id).toBe(`ab${'0'.repeat(62)}`);
    expect((await refusal(path, { image: 'ff' })).code).toBe('DIMGX_SOURCE_NO_SUCH_IMAGE');
  });
});

describe('a damaged or hostile archive of 2015', () => {
  test.each([
    ['of all layers', [{ ...A, parent: id('c') }, B, C]],
    ['below a tip', [{ ...A, parent: id('b') }, B, { ...C, tags: [] }]],
    ['of one layer', [{ ...A, parent: id('a') }]],
  ])('is refused for a loop %s', async (_, layers) => {
    const path = await writeArchive(dockerV1Archive(layers));
    expect((await refusal(path)).code).toBe('DIMGX_LAYER_BAD_PARENT');
    expect((await refusal(path, { image: 'a' })).code).toBe('DIMGX_LAYER_BAD_PARENT');
  });

  test('is refused for a missing parent', async () => {
    expect((await refusal(await writeArchive(dockerV1Archive([B, C])))).code).toBe('DIMGX_LAYER_BAD_PARENT');
  });

  test('is refused for a missing layer', async () => {
    const { [`${id('a')}/layer.tar`]: _, ...members } = dockerV1Archive([A, B, C]);
    expect((await refusal(await writeArchive(members))).code).toBe('DIMGX_SOURCE_MISSING_BLOB');
  });

  test('is refused when a tag is of no layer', async () => {
    const members = { ...dockerV1Archive([A]), repositories: '{"x":{"1":"../../etc/passwd"}}' };
    expect((await refusal(await writeArchive(members))).code).toBe('DIMGX_LAYER_BAD_PARENT');
  });

  test.each([
    ['repositories', '{"x":["y"]}'],
    ['repositories', '{"x":{"1":2}}'],
    [`${id('a')}/json`, '{'],
    [`${id('a')}/json`, '[]'],
    [`${id('a')}/json`, '{"parent":5}'],
    [`${id('a')}/json`, `{"id":"${id('b')}"}`],
  ])('is refused when %s is %s', async (name, text) => {
    expect((await refusal(await writeArchive({ ...dockerV1Archive([A]), [name]: text }))).code).toMatch(
      /DIMGX_IMAGE_BAD_JSON|DIMGX_LAYER_BAD_PARENT/,
    );
  });

  test('with thousands of layers and tips is told from others in little time', async () => {
    const hex = (n: number) => n.toString(16).padStart(64, '0');
    const chain = Array.from({ length: 3000 }, (_, n) => ({
      id: hex(n),
      ...(n > 0 && { parent: hex(n - 1) }),
      layer: tar,
    }));
    const tips = Array.from({ length: 3000 }, (_, n) => ({ id: hex(10_000 + n), parent: hex(2999), layer: tar }));
    const members = dockerV1Archive([...chain, ...tips]);
    const kept = Object.entries(members).filter(([name]) => !name.endsWith('/VERSION') && !name.endsWith('/layer.tar'));
    expect((await refusal(await writeArchive(kept))).code).toBe('DIMGX_SOURCE_AMBIGUOUS');
  });
});
