import { describe, expect, test } from 'vitest';
import type { EngineHistoryStep, EngineImageDetails } from '#dimgx/source/engine/engine.js';
import { historySteps } from '#dimgx/source/engine/history-steps.js';

const hex = (start: string) => start.padEnd(64, '0');

/** @param size in bytes; an ID where the engine has the image */
function step(createdBy: string, size = 0, id?: string): EngineHistoryStep {
  return { id: id && hex(id), created: 1_500_000_000, createdBy, comment: '', size, tags: [] };
}

function image(id: string, layers: number): EngineImageDetails {
  const diffIds = Array.from({ length: layers }, (_, i) => `sha256:${hex(String(i))}` as const);
  const nothing = { created: undefined, architecture: undefined, os: undefined, variant: undefined };
  return { id: hex(id), parentId: undefined, repoTags: [], repoDigests: [], ...nothing, diffIds, size: 0 };
}

/** For each step, oldest first, whether it made a layer. */
function made(oldestFirst: readonly EngineHistoryStep[], chain: readonly EngineImageDetails[]): string | undefined {
  const steps = historySteps(oldestFirst.toReversed(), chain);
  expect(steps?.map(({ history }) => history.createdBy)).toEqual(steps && oldestFirst.map((each) => each.createdBy));
  return steps?.map(({ madeLayer }) => (madeLayer ? 'L' : '-')).join('');
}

describe('steps that made a layer are told', () => {
  test('by the numbers of layers along the chain, whatever they say or wrote', () => {
    const steps = [step('ADD', 5, 'a'), step('RUN true', 0, 'b'), step('ENV x', 0, 'c'), step('CMD', 0, 'd')];
    const chain = [image('a', 1), image('b', 1), image('c', 2), image('d', 2)];
    expect(made(steps, chain)).toBe('L-L-');
  });

  test('by what they wrote, where the engine has no images', () => {
    const steps = [step('ADD', 5), step('ENV x'), step('RUN x', 7), step('CMD', 0, 'd')];
    expect(made(steps, [image('d', 2)])).toBe('L-L-');
  });

  test('by their instruction, where they wrote nothing', () => {
    const steps = [
      step('/bin/sh -c #(nop) ADD file:1 in /', 5),
      step('/bin/sh -c #(nop)  ENV A=1'),
      step('RUN /bin/sh -c true # buildkit'),
      step('/bin/sh -c #(nop)  CMD ["sh"]', 0, 'd'),
    ];
    expect(made(steps, [image('d', 2)])).toBe('L-L-');
  });

  test('and WORKDIR makes one when one is missing', () => {
    const steps = [step('COPY', 5), step('WORKDIR /x'), step('ENV A=1', 0, 'd')];
    expect(made(steps, [image('d', 2)])).toBe('LL-');
    expect(made(steps, [image('d', 1)])).toBe('L--');
  });

  test('below the images that the engine has as by themselves', () => {
    const steps = [step('ADD', 5), step('LABEL x'), step('CMD', 0, 'b'), step('RUN true', 0, 'c'), step('ENV', 0, 'd')];
    expect(made(steps, [image('b', 1), image('c', 2), image('d', 2)])).toBe('L--L-');
  });

  test.each([
    ['two could be it', [step('RUN a'), step('RUN b', 0, 'd')], 1],
    ['more was written than there are layers', [step('RUN a', 1), step('RUN b', 1, 'd')], 1],
    ['there are more layers than steps', [step('RUN a', 1, 'd')], 2],
    ['there is no history', [], 1],
  ])('not when %s', (_, steps, layers) => {
    expect(made(steps, [image('d', layers)])).toBeUndefined();
  });

  test('of an image without any', () => {
    expect(made([], [image('d', 0)])).toBe('');
    expect(made([step('ENV', 0, 'd')], [image('d', 0)])).toBe('-');
  });
});

test('times are those of the engine, in full; an engine that knows none tells none', () => {
  const [first, second] = historySteps([{ ...step('b', 1, 'd'), created: 0 }, step('a', 1)], [image('d', 2)]) ?? [];
  expect(first?.history).toEqual({ created: '2017-07-14T02:40:00Z', createdBy: 'a' });
  expect(second?.history).toEqual({ createdBy: 'b' });
});

test('names are those of the images, where the history has none', () => {
  const named = { ...image('d', 1), repoTags: ['x:1'] };
  expect(historySteps([step('a', 1, 'd')], [named])?.[0]?.tags).toEqual(['x:1']);
});
