import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CompressionName, codecOf } from '#dimgx/compression/codecs.js';
import { verify } from '#dimgx/verify/verify.js';
import type { VerifyResult } from '#dimgx/verify/verify-result.js';
import { oddLayers } from '../helpers/odd-image.js';
import { ODD_NAMES, PATTERNS } from '../helpers/odd-tree.js';
import { PACKINGS, packed } from '../helpers/packed-layers.js';
import { filesOf, flipBit, hexOf } from '../helpers/sample-bag.js';
import { shortOrLong, someInTurn } from '../helpers/short-or-long.js';
import { flawsOf, reseal, snapshotBag, tamper } from '../helpers/snapshot-bag.js';

const ODD = oddLayers([...ODD_NAMES, ...PATTERNS]);

/** A small image, of which everything is told in a few lines. */
const SMALL = [
  [
    { name: 'etc/', type: '5', mode: 0o755 },
    { name: 'etc/key', content: 'a key' },
    { name: 'etc/same', type: '1', link: 'etc/key' },
    { name: 'etc/gone', content: 'gone' },
  ],
  [{ name: 'etc/.wh.gone' }],
] as const;

describe('a snapshot of an image with odd names and metadata is in order', () => {
  test('as dimgx makes it', async () => {
    expect(await flawsOf(await snapshotBag(ODD, { compression: undefined }))).toEqual([]);
  });

  test.each([
    ['devices are left out', { excludeDevices: true }],
    ['paths are left out', { paths: ['-/present', '-/removed/in'] }],
    ['some paths are wanted', { paths: ['+/**/links', '+/twice'] }],
    ['one layer is selected', { layers: ['@2'] }],
    ['layers are selected in another order', { layers: ['@1', '@3', '@2'] }],
    ['nothing is verified', { verify: false }],
  ])('when %s', async (_, options) => {
    expect(await flawsOf(await snapshotBag(ODD, options))).toEqual([]);
  });

  test.each(PACKINGS)('when another program packed the tars (%s)', async (packing) => {
    const bag = await snapshotBag(ODD);
    for (const tar of ['rootfs.tar', 'hidden.tar']) await pack(join(bag, 'data', tar), packing);
    await reseal(bag);
    expect(await flawsOf(bag)).toEqual([]);
  });
});

async function pack(tar: string, packing: CompressionName): Promise<void> {
  if (packing === 'none') return;
  await writeFile(`${tar}${codecOf(packing).extensions[0]}`, packed(await readFile(tar), packing));
  await rm(tar);
}

test.each([
  ['has nothing', [[]]],
  ['hides nothing', [[{ name: 'a' }]]],
  ['hides everything', [[{ name: 'a' }], [{ name: '.wh.a' }]]],
  ['has no entry of its root', [[{ name: 'a/b' }]]],
])('a snapshot of an image that %s is in order', async (_, layers) => {
  expect(await flawsOf(await snapshotBag(layers))).toEqual([]);
});

describe('a flipped bit is found, and its file is named', () => {
  const files = ['provenance.jsonl', 'sha256sums', 'rootfs.mtree', 'rootfs.body', 'rootfs.tar', 'hidden.tar'];
  const documents = ['image/manifest.json', 'image/config.json'];
  const paths = [...[...files, ...documents].map((name) => `data/${name}`), 'snapshot.json'];

  test.each(paths)('in %s', async (path) => {
    const bag = await snapshotBag(SMALL);
    const { length } = await readFile(join(bag, path));
    for (let byte = 0; byte < length; byte += shortOrLong(Math.ceil(length / 50), Math.ceil(length / 250))) {
      const [bit = 0] = someInTurn([0, 1, 2, 3, 4, 5, 6, 7], byte);
      await flipBit(join(bag, path), 8 * byte + bit);
      const flaws = await flawsOf(bag);
      expect(flaws.some((flaw) => flaw.startsWith(`${path}: has another sha256`))).toBe(true);
      await flipBit(join(bag, path), 8 * byte + bit);
    }
    expect(await flawsOf(bag)).toEqual([]);
  });

  test('in the contents of a file, even if the manifests are made anew', async () => {
    const bag = await snapshotBag(SMALL);
    const at = (await readFile(join(bag, 'data/rootfs.tar'))).indexOf('a key');
    await flipBit(join(bag, 'data/rootfs.tar'), 8 * at + 3);
    await reseal(bag);
    expect((await flawsOf(bag)).map((flaw) => flaw.replace(/: .*/, ''))).toEqual([
      ...['data/provenance.jsonl', 'data/sha256sums', 'data/rootfs.mtree', 'snapshot.json'],
    ]);
  });
});

test('what is wrong is shown where it begins, in both versions', async () => {
  const bag = await snapshotBag(SMALL);
  await tamper(bag, 'data/rootfs.mtree', (text) => text.replace('size=5', 'size=6'));
  expect(await flawsOf(bag)).toEqual([
    'data/rootfs.mtree: line 4 has "00 nlink=2 size=6 sha256digest=8fa3aab2faa9b79e0", but data/rootfs.tar with data/provenance.jsonl says "00 nlink=2 size=5 sha256digest=8fa3aab2faa9b79e0"',
  ]);
});

test.each([
  ['data/rootfs.tar', 'is missing: a snapshot has it, compressed or not'],
  ['data/hidden.tar', 'is missing: a snapshot has it, compressed or not'],
  ['data/provenance.jsonl', 'is missing: a snapshot has it'],
  ['data/sha256sums', 'is missing: a snapshot has it'],
  ['data/rootfs.mtree', 'is missing: a snapshot has it'],
  ['data/rootfs.body', 'is missing: a snapshot has it'],
  ['snapshot.json', 'is missing: a snapshot has it'],
])('a snapshot without %s is not in order', async (path, why) => {
  const bag = await snapshotBag(SMALL);
  await rm(join(bag, path));
  await reseal(bag);
  expect(await flawsOf(bag)).toContain(`${path}: ${why}`);
});

test.each([
  ['another diff ID', /"diff_ids":\["sha256:./, '"diff_ids":["sha256:_', /^has the digest /],
  ['no layers', '"rootfs"', '"ROOTS"', /^has the digest /],
])('a config with %s is not in order', async (_, what, instead, why) => {
  const bag = await snapshotBag(SMALL);
  await tamper(bag, 'data/image/config.json', (text) => text.replace(what, instead));
  const flaws = (await flawsOf(bag)).map((flaw) => flaw.replace('data/image/config.json: ', ''));
  expect(flaws).toEqual([expect.stringMatching(why)]);
});

test.each([
  ['another diff ID', /"diff_ids":\["sha256:./, '"diff_ids":["sha256:0', 'says something else of layer @1 than '],
  ['a layer more', '"diff_ids":[', `"diff_ids":["sha256:${'0'.repeat(64)}",`, 'says something else of layer @1 than '],
  ['no layers', '"rootfs"', '"ROOTS"', 'says something else of layer @1 than '],
  ['another command', 'step 1', 'step 9', 'says something else of layer @1 than '],
  ['another time', '"created":"2024', '"created":"2023', 'says that the image was created at another time than '],
])('a config with %s is not in order, even if it is named by its digest', async (_, what, instead, why) => {
  const bag = await snapshotBag(SMALL);
  await tamper(bag, 'data/image/config.json', (text) => text.replace(what, instead));
  const id = hexOf(await readFile(join(bag, 'data/image/config.json')));
  for (const [path, key] of [
    ['snapshot.json', '"imageId": "'],
    ['data/provenance.jsonl', '"id":"'],
  ] as const) {
    await tamper(bag, path, (text) => text.replace(new RegExp(`${key}[0-9a-f]{64}`), key + id));
  }
  expect(await flawsOf(bag)).toEqual([`data/image/config.json: ${why}data/provenance.jsonl`]);
});

test('a second tar beside the first is not in order', async () => {
  const bag = await snapshotBag(SMALL);
  await writeFile(join(bag, 'data/rootfs.tar.gz'), packed(await readFile(join(bag, 'data/rootfs.tar')), 'gzip'));
  await reseal(bag);
  expect(await flawsOf(bag)).toEqual(['data/rootfs.tar: is not the only one: data/rootfs.tar.gz is there, too']);
});

describe('what the check of the bag has told is not told again', () => {
  test.each(['data/rootfs.tar', 'data/rootfs.body', 'data/image/config.json'])('%s is lost', async (path) => {
    const bag = await snapshotBag(SMALL);
    await rm(join(bag, path));
    const results: VerifyResult[] = [];
    const all = async () => {
      for await (const result of verify(bag)) results.push(result);
    };
    await expect(all()).rejects.toMatchObject({ code: 'DIMGX_BAG_DAMAGED', path: bag });
    const problem = 'is missing: manifest-sha256.txt lists it';
    const own = results.filter(({ subject }) => subject === path);
    expect(own).toEqual([{ subject: path, claim: 'file', ok: false, problem }]);
  });
});

test('a bag that is no snapshot is only checked as a bag', async () => {
  const bag = await snapshotBag(SMALL);
  for (const path of await filesOf(bag)) {
    if (path.startsWith('data/') ? !path.endsWith('config.json') : path === 'snapshot.json') await rm(join(bag, path));
  }
  await reseal(bag);
  expect(existsSync(join(bag, 'data/image/config.json'))).toBe(true);
  expect(await flawsOf(bag)).toEqual([]);
});

test('a bag with another snapshot.json is no snapshot, one of a later version is', async () => {
  const bag = await snapshotBag(SMALL);
  await tamper(bag, 'snapshot.json', (text) => text.replace('dimgx-snapshot/1', 'dimgx-snapshot/2'));
  expect(await flawsOf(bag)).toEqual(['snapshot.json: does not describe a snapshot']);
  for (const path of await filesOf(bag)) if (path.startsWith('data/')) await rm(join(bag, path));
  await tamper(bag, 'snapshot.json', () => '{"a":1}');
  expect(await flawsOf(bag)).toEqual([]);
});

test('a bag that has lost its declaration is one all the same', async () => {
  const bag = await snapshotBag(SMALL);
  await rm(join(bag, 'bagit.txt'));
  expect(await flawsOf(bag)).toEqual([
    expect.stringMatching(/^DIMGX_BAG_INVALID: .* has no bagit.txt: it is not a bag$/),
  ]);
});
