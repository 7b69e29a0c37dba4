import { expect, test } from 'vitest';
import type { TarEntry } from '#dimgx/tar/entry.js';
import { TYPE } from '#dimgx/tar/header.js';
import { TarStreamScan } from '#dimgx/tar/scan.js';
import { flattenLayers, type LayerSpec } from '../helpers/flatten-layers.js';
import type { RawEntry } from '../helpers/raw-layer.js';
import { RUNS, SEED } from './bounds.js';
import { checkLaw } from './check-law.js';
import type { Stack } from './random-stack.js';
import { withoutRefused } from './without-refused.js';

const LAYERS = 4;

test('the same tree with the same headers gives the same tar, however it is layered', { timeout: 0 }, async () => {
  const law = async (stack: Stack) => {
    const { tar } = await flattenLayers(stack);
    const squashed = (await flattenLayers([tar])).tar;
    const layered = (await flattenLayers(layersOf(tar))).tar;
    return [
      ...(squashed.equals(tar) ? [] : ['squashed, the tar is another one']),
      ...(layered.equals(tar) ? [] : ['layered anew, the tar is another one']),
    ];
  };
  await expect(
    checkLaw((stacks) => Promise.all(stacks.map(law)), Math.ceil(RUNS / 2), withoutRefused),
  ).resolves.toBeUndefined();
});

interface Placed {
  readonly bytes: Buffer;
  readonly name: string;
  /** The name of its inode's contents. */
  readonly inode: string;
  readonly type: number;
  place: number;
}

/**
 * The entries of a tar at random places in several layers. Hard links stay behind what they are linked to, and in their
 * order. Some names also stand in an older layer, where they are files that a newer layer replaces.
 */
function layersOf(tar: Buffer): LayerSpec[] {
  const random = randomNumbers(SEED + tar.length);
  const entries = entriesOf(tar, random);
  for (const inode of new Set(entries.map((entry) => entry.inode))) {
    const names = entries.filter((entry) => entry.inode === inode);
    const places = names.map(({ place }) => place).sort((one, other) => one - other);
    for (const [i, entry] of names.entries()) entry.place = places[i] as number;
  }
  const hidden = entries.filter(({ type }) => type !== TYPE.directory && random() < 0.3);
  const oldest = hidden.map(({ name }): RawEntry => ({ name, content: 'hidden' }));
  const newer = Array.from({ length: LAYERS }, (_, layer) =>
    entries
      .filter(({ place }) => Math.floor(place * LAYERS) === layer)
      .sort((one, other) => one.place - other.place)
      .map(({ bytes }) => bytes),
  );
  return [oldest, ...newer];
}

function entriesOf(tar: Buffer, random: () => number): Placed[] {
  const entries: Placed[] = [];
  const scan = new TarStreamScan(({ start, end, name, link, type }: TarEntry) => {
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
    const inode = text(type === TYPE.hardLink ? link : name);
    entries.push({ bytes: tar.subarray(start, end), name: text(name), inode, type, place: random() });
  });
  scan.push(tar);
  return entries;
}

/** Numbers from 0 to below 1. Source: Park and Miller, 1988. */
function randomNumbers(seed: number): () => number {
  let state = (seed % 2147483646) + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return (state - 1) / 2147483646;
  };
}
