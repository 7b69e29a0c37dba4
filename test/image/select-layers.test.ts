import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Warning } from '#dimgx/errors.js';
import type { Image } from '#dimgx/image/image.js';
import { selectLayers } from '#dimgx/image/select-layers.js';
import type { SelectOptions } from '#dimgx/options.js';
import type { Digest } from '#dimgx/reference/digest.js';
import { imageValue, layerValue } from '../helpers/image-value.js';

const DEPTH = 16;
const NOBODY = 'ffffffffffff';

/** 64 hex digits that begin with where the layer stands, so that a failure can be read: chain, position, hash. */
function madeUpId(chain: number, position: number): string {
  const hash = createHash('sha256').update(`${chain}/${position}`).digest('hex');
  return `c${chain}${position.toString().padStart(2, '0')}${hash}`.slice(0, 64);
}

function chainOf16(chain: number, tagsAt: Readonly<Record<number, readonly string[]>> = {}): Image {
  const layers = Array.from({ length: DEPTH }, (_, index) =>
    layerValue({ legacyId: madeUpId(chain, index + 1), tags: tagsAt[index + 1] ?? [], name: `${index + 1}` }),
  );
  return imageValue(layers);
}

const FIRST = chainOf16(0, { 16: ['getto:dachoppa'] });
const SECOND = chainOf16(1, { 16: ['greatest:hits', 'greatest:latest'], 4: ['debian:jessie'] });

/** Positions, 1 for the base, in the order of the selection, and the codes of what was warned of. */
function select(image: Image, options: SelectOptions): { positions: readonly number[]; codes: readonly string[] } {
  const warnings: Warning[] = [];
  const selected = selectLayers(image, options, (warning) => warnings.push(warning));
  return {
    positions: selected.map((layer) => image.layers.indexOf(layer) + 1),
    codes: warnings.map(({ code }) => code),
  };
}

function count(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.abs(to - from) + 1 }, (_, index) => from + (to < from ? -index : index));
}

/** Specs in short: positions stand for the IDs of the layers there, `?` for an ID that no layer has. */
function inFull(spec: string, chain: number): string {
  return spec
    .split(':')
    .map((end) => (end === '?' ? NOBODY : madeUpId(chain, Number(end)).slice(0, 12)))
    .join(':');
}

describe.each([
  { chain: 0, image: FIRST },
  { chain: 1, image: SECOND },
])('in the order of 2015, in chain $chain of two', ({ chain, image }) => {
  test.each<{ specs: readonly string[]; plain: readonly number[]; reversed: readonly number[] }>([
    { specs: ['?'], plain: [], reversed: [] },
    { specs: ['1:?'], plain: [], reversed: [] },
    { specs: ['?:16'], plain: [], reversed: [] },
    { specs: ['?:?'], plain: [], reversed: [] },
    { specs: ['16', '?'], plain: [16], reversed: [16] },
    { specs: ['?', '16'], plain: [16], reversed: [16] },
    { specs: ['16'], plain: [16], reversed: [16] },
    { specs: ['2'], plain: [2], reversed: [2] },
    { specs: ['16:16'], plain: [16], reversed: [16] },
    { specs: ['15:16'], plain: [16, 15], reversed: [15, 16] },
    { specs: ['16:15'], plain: [15, 16], reversed: [16, 15] },
    { specs: ['1', '16', '2', '15'], plain: [15, 2, 16, 1], reversed: [1, 16, 2, 15] },
    { specs: ['2', '3', '2', '11'], plain: [11, 2, 3], reversed: [2, 3, 11] },
    { specs: ['3', '4:1'], plain: [1, 2, 3, 4], reversed: [3, 4, 2, 1] },
    { specs: ['1:2'], plain: [2, 1], reversed: [1, 2] },
    { specs: ['2:1'], plain: [1, 2], reversed: [2, 1] },
    { specs: ['2:16'], plain: count(16, 2), reversed: count(2, 16) },
    { specs: ['16:2'], plain: count(2, 16), reversed: count(16, 2) },
    { specs: ['1:4', '16:15', '3'], plain: [3, 15, 16, 4, 2, 1], reversed: [1, 2, 3, 4, 16, 15] },
  ])('-l $specs selects $plain, with -r $reversed', ({ specs, plain, reversed }) => {
    const layers = specs.map((spec) => inFull(spec, chain));
    expect(select(image, { layers }).positions).toEqual(plain);
    expect(select(image, { layers, reverse: true }).positions).toEqual(reversed);
  });

  test('without specs all layers come newest first, with -r oldest first', () => {
    expect(select(image, {})).toEqual({ positions: count(16, 1), codes: [] });
    expect(select(image, { reverse: true })).toEqual({ positions: count(1, 16), codes: [] });
  });

  test('a layer of the other chain is unknown', () => {
    expect(select(image, { layers: [inFull('3', 1 - chain)] }).positions).toEqual([]);
  });
});

describe('what a spec may be', () => {
  test.each([
    ['a prefix in capitals', madeUpId(0, 7).slice(0, 9).toUpperCase(), 7],
    ['all 64 digits', madeUpId(0, 7), 7],
    ['a prefix with its algorithm', `sha256:${madeUpId(0, 7).slice(0, 20)}`, 7],
    ['a tag', 'getto:dachoppa', 16],
    ['counted from the base', '@1', 1],
    ['counted from the newest', '@-1', 16],
    ['counted back to the base', '@-16', 1],
  ])('%s', (_, spec, position) => {
    expect(select(FIRST, { layers: [spec] })).toEqual({ positions: [position], codes: [] });
  });

  test('a name without a tag is its latest', () => {
    expect(select(SECOND, { layers: ['greatest'] }).positions).toEqual([16]);
    expect(select(FIRST, { layers: ['getto'] }).positions).toEqual([]);
  });

  test('one digit too many is no prefix', () => {
    expect(select(FIRST, { layers: [`${madeUpId(0, 7)}0`] }).positions).toEqual([]);
  });

  test.each([
    ['debian:jessie:@2', [2, 3, 4]],
    ['@2:debian:jessie', [4, 3, 2]],
    ['debian:jessie:greatest', count(16, 4)],
    ['greatest:hits:debian:jessie', count(4, 16)],
    [`sha256:${madeUpId(1, 5)}:sha256:${madeUpId(1, 3)}`, [3, 4, 5]],
    ['@-1:@-3', [14, 15, 16]],
    ['debian:jessie:@4', [4]],
  ])('names with colons are ends of the range %s', (spec, positions) => {
    expect(select(SECOND, { layers: [spec] })).toEqual({ positions, codes: [] });
  });

  test('a registry with a port is part of a name', () => {
    const image = imageValue([
      layerValue({ tags: ['localhost:5000/base:1', 'localhost:5000/plain:latest'], name: 'a' }),
      layerValue({ diffId: `sha256:${'ab'.repeat(32)}`, name: 'b' }),
    ]);
    expect(select(image, { layers: ['localhost:5000/plain'] }).positions).toEqual([1]);
    expect(select(image, { layers: ['localhost:5000/base:1:ab'] }).positions).toEqual([2, 1]);
  });

  test('a tag that looks like an ID is the tag', () => {
    const image = imageValue([
      layerValue({ legacyId: 'cafe'.repeat(16), name: 'a' }),
      layerValue({ legacyId: 'beef'.repeat(16), tags: ['cafe:latest'], name: 'b' }),
    ]);
    expect(select(image, { layers: ['cafe'] }).positions).toEqual([2]);
  });

  test('diff ID, blob digest, legacy ID and image ID are all accepted', () => {
    const hex = (digit: string) => digit.repeat(64);
    const layer = layerValue({
      diffId: `sha256:${hex('1')}`,
      digest: `sha512:${hex('2').repeat(2)}`,
      legacyId: hex('3'),
      imageId: hex('4'),
    });
    const image = imageValue([layerValue({ legacyId: hex('9') }), layer]);
    for (const spec of ['1', 'sha256:11', '22', 'sha512:2', hex('3'), 'sha256:3', '4444']) {
      expect(select(image, { layers: [spec] }), spec).toEqual({ positions: [2], codes: [] });
    }
    for (const spec of ['sha512:1', 'sha256:2', 'md5:1', 'sha512:3']) {
      expect(select(image, { layers: [spec] }).positions, spec).toEqual([]);
    }
  });
});

describe('what selects nothing', () => {
  const UNRESOLVED = 'DIMGX_LAYER_SPEC_UNRESOLVED';
  const EMPTY = 'DIMGX_LAYER_SPEC_EMPTY';
  const NOTHING = 'DIMGX_LAYER_NONE_SELECTED';

  test.each([
    ['an unknown ID', NOBODY, UNRESOLVED],
    ['an ambiguous prefix', 'c', UNRESOLVED],
    ['a range with an ambiguous end', 'c:@2', UNRESOLVED],
    ['a position before the base', '@0', UNRESOLVED],
    ['a position after the newest', '@17', UNRESOLVED],
    ['a position before the base, counted back', '@-17', UNRESOLVED],
    ['what is no name at all', '%$#', UNRESOLVED],
    ['nothing', '', EMPTY],
    ['a range without ends', ':', EMPTY],
    ['a range without a beginning', ':@3', EMPTY],
    ['a range without an end', '@3:', EMPTY],
  ])('%s is warned of, and an error with strict', (_, spec, code) => {
    expect(select(FIRST, { layers: [spec] })).toEqual({ positions: [], codes: [code, NOTHING] });
    expect(select(FIRST, { layers: ['@3', spec] })).toEqual({ positions: [3], codes: [code] });
    expect(() => select(FIRST, { layers: ['@3', spec], strict: true })).toThrow(
      expect.objectContaining({ code: 'DIMGX_LAYER_SPEC_INVALID', exitCode: 3 }),
    );
  });

  test('a spec that can be read as two ranges is neither', () => {
    const image = imageValue([
      layerValue({ tags: ['a:latest', 'a:b'], name: '1' }),
      layerValue({ tags: ['b:c', 'c:latest'], name: '2' }),
    ]);
    expect(select(image, { layers: ['a:b:c'] }).codes).toEqual([UNRESOLVED, NOTHING]);
  });

  test('an empty selection is only a warning, with strict too', () => {
    expect(select(imageValue([]), { strict: true })).toEqual({ positions: [], codes: [NOTHING] });
    expect(select(FIRST, { layers: [], strict: true })).toEqual({ positions: [], codes: [NOTHING] });
  });

  test('the warning names what was not found, or what it fits, on one line', () => {
    const messages: string[] = [];
    const warn = ({ message }: Warning) => void messages.push(message);
    selectLayers(FIRST, { layers: ['@3:beef', 'c001', 'c00', 'x\n\x1b[2J'] }, warn);
    expect(messages).toHaveLength(3);
    expect(messages[0]).toContain('"beef" in the layer spec "@3:beef" matches no layer of test-image');
    expect(messages[1]).toContain('(@1, @2, @3, @4…)');
    expect(messages.join('')).not.toMatch(/\p{Cc}/u);
  });
});

test('the ID of bytes that occur twice is ambiguous, and a position is not', () => {
  const empty: Digest = `sha256:${'5f'.repeat(32)}`;
  const image = imageValue([
    layerValue({ diffId: empty, name: '1' }),
    layerValue({ diffId: `sha256:${'12'.repeat(32)}`, name: '2' }),
    layerValue({ diffId: empty, legacyId: 'a'.repeat(64), name: '3' }),
  ]);
  expect(select(image, { layers: ['5f5f5f5f5f5f'] }).positions).toEqual([]);
  expect(select(image, { layers: [empty] }).positions).toEqual([]);
  expect(select(image, { layers: ['aaa'] }).positions).toEqual([3]);
  expect(select(image, { layers: ['@1', '@3'] }).positions).toEqual([3, 1]);
  expect(select(image, {}).positions).toEqual([3, 2, 1]);
});

test('-r gives the same layers in the other order, as long as no layer is named twice', () => {
  const position = fc.integer({ min: 1, max: DEPTH });
  fc.assert(
    fc.property(fc.uniqueArray(position), (positions) => {
      const layers = positions.map((at) => `@${at}`);
      expect(select(FIRST, { layers, reverse: true }).positions).toEqual(positions);
      expect(select(FIRST, { layers }).positions).toEqual(positions.toReversed());
    }),
  );
});

test('a range is its positions, named one by one', () => {
  const position = fc.integer({ min: 1, max: DEPTH });
  fc.assert(
    fc.property(fc.array(fc.tuple(position, position)), fc.boolean(), (ranges, reverse) => {
      const layers = ranges.map(([from, to]) => `@${from}:@${to}`);
      const singly = ranges.flatMap(([from, to]) => count(from, to).map((at) => `@${at}`));
      expect(select(FIRST, { layers, reverse }).positions).toEqual(
        select(FIRST, { layers: singly, reverse }).positions,
      );
    }),
  );
});

describe('a step that made no layer, whose image an engine knows', () => {
  const [base, top] = [layerValue({ name: 'base' }), layerValue({ name: 'top' })];
  const image = imageValue([base, top], {
    history: [
      { history: {}, layer: base, imageId: 'a'.repeat(64) },
      { history: {}, imageId: 'b'.repeat(64), tags: ['x:env'] },
      { history: {}, layer: top, imageId: 'c'.repeat(64) },
      { history: {}, imageId: 'd'.repeat(64), tags: ['x:latest'] },
    ],
  });

  test.each([
    [['bbb'], [], ['DIMGX_LAYER_NONE_SELECTED']],
    [['x:env', 'aaa'], [1], []],
    [['aaa:x:env'], [1], []],
    [['x:env:x'], [2], []],
    [['ddd:aaa'], [1, 2], []],
    [['@1:@-1'], [2, 1], []],
  ])('%o selects %o', (layers, positions, codes) => {
    expect(select(image, { layers })).toEqual({ positions, codes });
  });
});
