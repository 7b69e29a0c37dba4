import { describe, expect, test } from 'vitest';
import type { EngineHistoryStep, EngineImageDetails } from '#dimgx/engine/engine.js';
import { historySteps } from '#dimgx/engine/image-history.js';

const hex = (start: string) => start.padEnd(64, '0');

/** @param size in bytes */
function step(createdBy: string, size = 0): EngineHistoryStep {
  return { created: 1_500_000_000, createdBy, comment: '', size };
}

function image(id: string, layers: number): EngineImageDetails {
  const diffIds = Array.from({ length: layers }, (_, i) => `sha256:${hex(String(i))}` as const);
  const nothing = { created: undefined, architecture: undefined, os: undefined, variant: undefined };
  return {
    id: hex(id),
    parentId: undefined,
    repoTags: [],
    repoDigests: [],
    ...nothing,
    diffIds,
    descriptor: undefined,
    size: 0,
  };
}

/** For each step, oldest first, whether it made a layer. */
function made(oldestFirst: readonly EngineHistoryStep[], chain: readonly EngineImageDetails[]): string | undefined {
  const steps = historySteps(oldestFirst.toReversed(), chain);
  expect(steps?.map(({ history }) => history.createdBy)).toEqual(steps && oldestFirst.map((each) => each.createdBy));
  return steps?.map(({ madeLayer }) => (madeLayer ? 'L' : '-')).join('');
}

describe('steps that made a layer are told', () => {
  test('by the numbers of layers along the chain, whatever they say or wrote', () => {
    const steps = [step('ADD', 5), step('RUN true'), step('ENV x'), step('CMD')];
    const chain = [image('a', 1), image('b', 1), image('c', 2), image('d', 2)];
    expect(made(steps, chain)).toBe('L-L-');
  });

  test('by what they wrote, where the engine has no images', () => {
    const steps = [step('ADD', 5), step('ENV x'), step('RUN x', 7), step('CMD')];
    expect(made(steps, [image('d', 2)])).toBe('L-L-');
  });

  test('by their instruction, where they wrote nothing', () => {
    const steps = [
      step('/bin/sh -c #(nop) ADD file:1 in /', 5),
      step('/bin/sh -c #(nop)  ENV A=1'),
      step('RUN /bin/sh -c true # buildkit'),
      step('/bin/sh -c #(nop)  CMD ["sh"]'),
    ];
    expect(made(steps, [image('d', 2)])).toBe('L-L-');
  });

  test('and WORKDIR makes one when one is missing', () => {
    const steps = [step('COPY', 5), step('WORKDIR /x'), step('ENV A=1')];
    expect(made(steps, [image('d', 2)])).toBe('LL-');
    expect(made(steps, [image('d', 1)])).toBe('L--');
  });

  test('below the images that the engine has as by themselves', () => {
    const steps = [step('ADD', 5), step('LABEL x'), step('CMD'), step('RUN true'), step('ENV')];
    expect(made(steps, [image('b', 1), image('c', 2), image('d', 2)])).toBe('L--L-');
  });

  test.each([
    ['two could be it', [step('RUN a'), step('RUN b')], 1],
    ['more was written than there are layers', [step('RUN a', 1), step('RUN b', 1)], 1],
    ['there are more layers than steps', [step('RUN a', 1)], 2],
    ['there is no history', [], 1],
  ])('not when %s', (_, steps, layers) => {
    expect(made(steps, [image('d', layers)])).toBeUndefined();
  });

  test('of an image without any', () => {
    expect(made([], [image('d', 0)])).toBe('');
    expect(made([step('ENV')], [image('d', 0)])).toBe('-');
  });
});

test('times are those of the engine, in full; an engine that knows none tells none', () => {
  const [first, second] = historySteps([{ ...step('b', 1), created: 0 }, step('a', 1)], [image('d', 2)]) ?? [];
  expect(first?.history).toEqual({ created: '2017-07-14T02:40:00Z', createdBy: 'a' });
  expect(second?.history).toEqual({ createdBy: 'b' });
});

test('IDs and names are those of the chain, whose images are one step apart', () => {
  const chain = [image('b', 1), { ...image('c', 1), repoTags: ['x:1', 'y:1'] }, image('d', 2)];
  const steps = historySteps([step('RUN', 1), step('CMD'), step('ENV'), step('ADD', 1)], chain);
  expect(steps?.map(({ imageId }) => imageId)).toEqual([undefined, hex('b'), hex('c'), hex('d')]);
  expect(steps?.map(({ tags }) => tags)).toEqual([[], [], ['x:1', 'y:1'], []]);
});

test('a chain that is longer than the history tells what it can', () => {
  const chain = [image('b', 0), image('c', 1), image('d', 1)];
  expect(historySteps([step('CMD'), step('ADD')], chain)?.map(({ imageId }) => imageId)).toEqual([hex('c'), hex('d')]);
});
