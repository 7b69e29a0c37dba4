import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Codec, MakeEncoder } from '#dimgx/compression/codec.js';
import { CODECS } from '#dimgx/compression/codecs.js';
import { flatten } from '#dimgx/flatten.js';
import { type Random, seeded } from '../fuzz/random.js';
import { configOf } from '../helpers/built-image.js';
import { convert } from '../helpers/convert.js';
import { flattenLayers } from '../helpers/flatten-layers.js';
import { archiveOf, temporaryFolder } from '../helpers/members.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { rawLayer } from '../helpers/raw-layer.js';
import { shortOrLong } from '../helpers/short-or-long.js';
import { treeDigest } from '../helpers/tree-text.js';
import { RUNS, SEED } from './bounds.js';
import { checkLaw } from './check-law.js';
import { decodedLayer } from './decoded-entry.js';
import { modelTree } from './model-tree.js';
import { randomStack, type Stack } from './random-stack.js';
import { Model } from './reference-model.js';
import { relayered } from './relayered.js';
import { itemsOfModel, itemsOfTar } from './stored-tree.js';
import { withoutRefused } from './without-refused.js';

test('the digest of a random stack is that of the tree of the reference model', { timeout: 0 }, async () => {
  const law = async (stack: Stack) => {
    const { treeDigest: digest } = await flattenLayers(stack);
    return digest === treeDigest(modelTree(stack)) ? [] : ['another digest'];
  };
  await checkLaw((stacks) => Promise.all(stacks.map(law)), RUNS, withoutRefused);
});

test('the same headers in other layers and another order give the same bytes and digest', { timeout: 0 }, async () => {
  const law = async (stack: Stack) => {
    const { tar, treeDigest: digest } = await flattenLayers(stack);
    const items = await itemsOfTar(tar);
    const again = await flattenLayers(relayered(items, randomFor(stack)));
    return [
      ...(again.treeDigest === digest ? [] : ['another digest']),
      ...(again.tar.equals(tar) ? [] : ['other bytes']),
    ];
  };
  await checkLaw((stacks) => Promise.all(stacks.map(law)), RUNS, withoutRefused);
});

test('the same tree with headers of other dialects gives the same digest', { timeout: 0 }, async () => {
  const law = async (stack: Stack) => {
    const random = randomFor(stack);
    const model = new Model();
    for (const layer of stack.map(decodedLayer)) model.apply(layer);
    const { treeDigest: digest } = await flattenLayers(relayered(itemsOfModel(model.root, random), random));
    return digest === treeDigest(modelTree(stack)) ? [] : ['another digest'];
  };
  await checkLaw((stacks) => Promise.all(stacks.map(law)), RUNS, withoutRefused);
});

const ENCODERS = await Promise.all(
  Object.entries<Codec>(CODECS).map(async ([name, { levels, loadEncoder }]) => {
    const makeEncoder = await loadEncoder().catch(() => undefined);
    return { name, makeEncoder, level: levels.lowest, lacking: makeEncoder ? '' : ' (this machine cannot write it)' };
  }),
);

describe.each(ENCODERS)('the same layers, packed with $name$lacking,', ({ makeEncoder, level }) => {
  const encode = (bytes: Buffer) => convert((makeEncoder as MakeEncoder)({ level, threads: 1 }), [bytes]);

  test.skipIf(!makeEncoder)('give the same bytes and digest', async () => {
    const folder = await temporaryFolder();
    const stacks = fc.sample(randomStack, { seed: SEED, numRuns: shortOrLong(10, 50) }).map(withoutRefused);
    for (const stack of stacks) {
      const { tar, treeDigest: digest } = await flattenLayers(stack);
      const layers = stack.map((layer) => rawLayer(layer));
      const layout = new OciLayout();
      const blobs = [];
      for (const layer of layers) blobs.push(layout.blob(await encode(layer), LAYER));
      const config = layout.blob(configOf({ layers }), 'application/vnd.oci.image.config.v1+json');
      const manifest = layout.json({ schemaVersion: 2, mediaType: MANIFEST, config, layers: blobs }, MANIFEST);
      await writeFile(join(folder, 'image.tar'), await archiveOf(layout.top([manifest])));
      const target = join(folder, 'flat.tar');
      const options = { treeDigest: true, compression: 'none', force: true } as const;
      const result = await flatten(`oci-archive:${join(folder, 'image.tar')}`, target, options);
      expect(result.treeDigest).toBe(digest);
      expect((await readFile(target)).equals(tar)).toBe(true);
    }
  });
});

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

/** The same for the same stack, so that a failing case can be made smaller. */
function randomFor(stack: Stack): Random {
  return seeded(crc32(JSON.stringify(stack)));
}
