import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { hiddenPlan } from '#dimgx/evidence/hidden-plan.js';
import { Versions } from '#dimgx/evidence/versions.js';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import { withLayers } from '../helpers/flatten-layers.js';
import { rawEntry, rawTar } from '../helpers/raw-tar.js';
import { shortOrLong } from '../helpers/short-or-long.js';

/** What a version may take in addition to flattening, in bytes; and all of them together, however few they are. */
const BOUND = 64;
const ONCE = 256 * 1024;

setFlagsFromString('--expose-gc');
const gc: () => void = runInNewContext('gc');

/** Bytes that are in use, once what is not has been given back. */
async function inUse(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    gc();
    await sleep(10); // the memory of arrays is given back in another thread
  }
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

/** How many bytes a value takes. */
async function sizeOf(make: () => unknown): Promise<number> {
  const before = await inUse();
  const made = make();
  const size = (await inUse()) - before;
  expect(made).toBeDefined(); // it is in use until here
  return size;
}

const LAYERS = 5;
const FILES = shortOrLong(8000, 20_000);

const layers = (entriesOf: (layer: number, i: number) => readonly Uint8Array[]) =>
  Array.from({ length: LAYERS }, (_, layer) =>
    rawTar(...Array.from({ length: FILES }, (_, i) => entriesOf(layer, i)).flat()),
  );

const file = (name: string) => rawEntry({ name });

test.each<[string, (layer: number, i: number) => readonly Uint8Array[]]>([
  ['files that each layer replaces', (_, i) => [file(`d/${i}`)]],
  ['files that the next layer removes', (layer, i) => [file(layer % 2 ? `d/.wh.${i}` : `d/${i}`)]],
  [
    'hard links that each layer replaces',
    (_, i) => [i % 2 ? rawEntry({ name: `${i}`, type: '1', link: `${i - 1}` }) : file(`${i}`)],
  ],
  ['directories that each layer empties', (_, i) => (i % 2 ? [file(`${i - 1}/.wh..wh..opq`)] : [file(`${i}/f`)])],
  ['files of one path in each layer', () => [file('f')]],
])(`the versions of %s take at most ${BOUND} bytes each`, async (_, entriesOf) => {
  await withLayers(layers(entriesOf), {}, async (indexes) => {
    const flattening = await sizeOf(() => mergeLayers(indexes));
    const recording = await sizeOf(() => {
      const plan = mergeLayers(indexes, { explain: true });
      const versions = new Versions(plan);
      return [plan, versions, hiddenPlan(versions)];
    });
    expect(recording - flattening).toBeLessThan(BOUND * LAYERS * FILES + ONCE);
  });
});
