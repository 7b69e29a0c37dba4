import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CompressionName } from '#dimgx/compression/codecs.js';
import { seeded } from '../fuzz/random.js';
import { flattenLayers } from '../helpers/flatten-layers.js';
import { flattenAtOnce, flattenPacked, PACKINGS } from '../helpers/packed-layers.js';
import { type RawEntry, rawLayer } from '../helpers/raw-layer.js';
import { shortOrLong } from '../helpers/short-or-long.js';
import { SEED } from '../law/bounds.js';
import { randomStack } from '../law/random-stack.js';
import { relayered } from '../law/relayered.js';
import { itemsOfTar } from '../law/stored-tree.js';
import { withoutRefused } from '../law/without-refused.js';

const file = (name: string, content: string): RawEntry => ({ name, content });
const link = (name: string, target: string, more: Partial<RawEntry> = {}): RawEntry => ({
  name,
  type: '1',
  link: target,
  ...more,
});
const xattr = (value: string): Partial<RawEntry> => ({ pax: [['SCHILY.xattr.user.a', value]] });

/** Contents that differ everywhere. */
const content = (seed: number, length: number) => {
  const random = seeded(seed);
  return Array.from({ length: Math.ceil(length / 8) }, () =>
    random(2 ** 30)
      .toString(36)
      .padStart(8, '.'),
  )
    .join('')
    .slice(0, length);
};

type Layers = readonly (readonly (RawEntry | Uint8Array)[] | Buffer)[];

/** Expects the same bytes from packed layers as from plain ones. */
async function expectSame(
  layers: Layers,
  packings: readonly CompressionName[] = PACKINGS.filter((name) => name !== 'none'),
) {
  const bytes = layers.map((layer) => (Buffer.isBuffer(layer) ? layer : rawLayer(layer)));
  const { tar } = await flattenLayers(bytes);
  for (const packing of packings) {
    const again = await flattenPacked(bytes.map((layer) => [layer, packing]));
    expect(again.equals(tar), packing).toBe(true);
  }
}

describe('packed layers give the same bytes as plain ones', () => {
  test.each<readonly [string, Layers]>([
    ['contents under an earlier name', [[file('b', content(1, 3000)), link('a', 'b'), file('c', 'x')]]],
    [
      'contents under an earlier name, of another layer',
      [[file('b', content(1, 3000))], [file('x', content(2, 900)), link('a', 'b'), file('y', 'x')]],
    ],
    [
      'xattrs of a later link',
      [[file('a', content(1, 3000)), file('b', content(2, 700)), link('c', 'a', xattr('1')), file('d', 'x')]],
    ],
    [
      'xattrs of links before and behind the contents by name, some of them removed',
      [
        [file('m', content(1, 3000)), link('z', 'm', xattr('1')), link('b', 'm', xattr('2')), file('c', 'x')],
        [link('y', 'm', xattr('3')), link('a', 'm', xattr('4')), file('b1', content(3, 999))],
        [file('.wh.z', ''), file('.wh.m', ''), link('c1', 'y', xattr('5'))],
      ],
    ],
    [
      'a missing padding',
      [rawLayer([file('b', content(1, 700)), file('a', content(2, 700))], { padded: false, zeroBlocks: 0 })],
    ],
    ['no entries', [Buffer.alloc(0), Buffer.alloc(1024), Buffer.alloc(10_240), [file('a', 'x')]]],
    ['layers of which nothing survives', [[file('a', content(1, 3000))], [file('.wh.a', '')], [file('b', 'x')]]],
    ['entries in reverse', [Array.from({ length: 300 }, (_, i) => file(`f${999 - i}`, content(i, (i * 7919) % 5000)))]],
    ['names to be changed', [[file('/b', content(1, 900)), file('./a', content(2, 900)), file('x/../c', 'x')]]],
  ])('%s', async (_, layers) => expectSame(layers));

  test('files larger than any buffer, in any order', async () => {
    const [a, b, c] = [content(1, 3_000_001), content(2, 2_097_152), content(3, 1_100_000)];
    const layers = [
      [file('b', b), file('a', a), file('c', c)],
      [file('d', a), file('a1', c)],
    ];
    await expectSame(layers, shortOrLong(PACKINGS.slice(1, 3), PACKINGS));
  });

  test('the same layer twice', async () => {
    const layer = rawLayer([file('b', content(1, 5000)), file('a', content(2, 5000)), link('0', 'b')]);
    await expectSame([layer, rawLayer([file('.wh.a', '')]), layer]);
  });

  test('sparse files, whose maps are in their contents', async () => {
    const sparse = (name: string, seed: number, parts: number): RawEntry => {
      const size = 600;
      const map = [parts, ...Array.from({ length: parts }, (_, i) => [i * 1000, size]).flat()].join('\n');
      const head = `${map}\n`;
      const body = head.padEnd(Math.ceil(head.length / 512) * 512, '\0') + content(seed, parts * size);
      const pax = [
        ['GNU.sparse.major', '1'],
        ['GNU.sparse.minor', '0'],
        ['GNU.sparse.name', name],
        ['GNU.sparse.realsize', String(parts * 1000)],
      ] as const;
      return { name: `GNUSparseFile.0/${name}`, content: body, pax };
    };
    await expectSame([
      [
        file('z', content(1, 3000)),
        sparse('y', 2, 500),
        sparse('x', 3, 3),
        link('w', 'y', xattr('1')),
        sparse('a', 4, 50),
      ],
      [link('b', 'y'), link('c', 'x', xattr('2'))],
    ]);
  });

  test('127 layers', async () => {
    const layers = Array.from({ length: 127 }, (_, i) => [
      file(`d/${(i * 31) % 127}`, content(i, 3000)),
      file(`d/${(i * 31) % 127}.second`, content(i + 500, 2000)),
      file(`c/${i}`, 'x'),
    ]);
    await expectSame(layers, shortOrLong(PACKINGS.slice(1, 3), PACKINGS.slice(1, 4)));
  });
});

test('one inspection serves several outputs at once', async () => {
  const layers = [
    [file('b', content(1, 3_000_001)), file('a', content(2, 900_000)), link('c', 'b')],
    [file('a1', content(3, 700_000)), file('.wh.a', '')],
  ].map((layer) => rawLayer(layer));
  const { tar } = await flattenLayers(layers);
  const all = await flattenAtOnce(
    layers.map((layer) => [layer, 'gzip']),
    3,
  );
  expect(all.map((each) => each.equals(tar))).toEqual([true, true, true]);
});

test('random stacks give the same bytes however they are packed', { timeout: 0 }, async () => {
  const stacks = fc.sample(randomStack, { seed: SEED, numRuns: shortOrLong(20, 35) }).map(withoutRefused);
  for (const [at, stack] of stacks.entries()) {
    const { tar } = await flattenLayers(stack);
    const random = seeded(at);
    const reordered = relayered(await itemsOfTar(tar), random);
    for (const layers of [stack, reordered]) {
      const packings = layers.map(() => PACKINGS[random(PACKINGS.length)] as (typeof PACKINGS)[number]);
      const packedLayers = layers.map((layer, i) => [rawLayer(layer), packings[i] ?? 'none'] as const);
      const again = await flattenPacked(packedLayers);
      expect(again.equals(tar), `stack ${at}, ${packings}`).toBe(true);
    }
  }
});
