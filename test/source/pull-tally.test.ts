import { describe, expect, it, test } from 'vitest';
import type { PullProgress } from '#dimgx/engine/engine.js';
import { PullTally } from '#dimgx/engine/pull-through-engine.js';

type Report = readonly [id: string | undefined, status: string, current?: number, total?: number];

/** What is told after each report. */
function told(...reports: readonly Report[]): string[] {
  const tally = new PullTally('app:1');
  return reports.map(([id, status, current, total]) => {
    tally.add({ id, status, current, total } satisfies PullProgress);
    const { stage, item, ...share } = tally.progress();
    expect(item).toBe('app:1');
    return `${stage} ${share.done}/${share.total ?? '?'}`;
  });
}

describe('the tally of a pull', () => {
  it('knows nothing before the first report', () => {
    const tally = new PullTally('app\n:1');
    expect(tally.progress()).toEqual({ stage: 'pull', item: 'app\\n:1', done: 0, total: undefined });
    expect(tally.finished().map(({ done, total }) => [done, total])).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it('adds up what Docker fetches, and then what it unpacks', () => {
    expect(
      told(
        ['1', 'Pulling from app'],
        ['a', 'Pulling fs layer'],
        ['b', 'Pulling fs layer'],
        ['c', 'Already exists'],
        ['b', 'Waiting'],
        ['a', 'Downloading', 10, 100],
        ['b', 'Downloading', 5, 50],
        ['a', 'Verifying Checksum'],
        ['a', 'Extracting', 60, 100],
        ['b', 'Download complete'],
        ['a', 'Pull complete'],
        ['b', 'Extracting', 50, 50],
        ['b', 'Pull complete'],
        [undefined, 'Status: Downloaded newer image for app:1'],
      ),
    ).toEqual([
      'pull 0/?',
      'pull 0/?',
      'pull 0/?',
      'pull 0/?',
      'pull 0/?',
      'pull 10/?',
      'pull 15/150',
      'pull 105/150',
      'pull 105/150',
      'unpack 60/150',
      'unpack 100/150',
      'unpack 150/150',
      'unpack 150/150',
      'unpack 150/150',
    ]);
  });

  it('never says of Podman that it unpacks, as that does not tell', () => {
    expect(told(['a', 'Pulling fs layer'], ['a', 'Download complete'], ['b', 'Pulling fs layer'])).toEqual([
      'pull 0/?',
      'pull 0/0',
      'pull 0/?',
    ]);
  });

  test.each<[string, Report[], string]>([
    ['more than all of it', [['a', 'Downloading', 9, 5]], 'pull 5/5'],
    ['less than nothing', [['a', 'Downloading', -9, 5]], 'pull 0/5'],
    ['no total', [['a', 'Downloading', 9, -1]], 'pull 9/?'],
    ['no numbers', [['a', 'Downloading', Number.NaN, 1e308]], 'pull 0/?'],
    ['too large numbers', [['a', 'Downloading', 1e300, 1e300]], 'pull 0/?'],
    [
      'seconds',
      [
        ['a', 'Downloading', 5, 5],
        ['a', 'Extracting', 3],
      ],
      'unpack 3/5',
    ],
    [
      'a layer that was fetched before',
      [
        ['a', 'Download complete'],
        ['a', 'Extracting', 3, 7],
      ],
      'unpack 3/7',
    ],
    [
      'another attempt',
      [
        ['a', 'Downloading', 5, 9],
        ['a', 'Retrying in 5 seconds'],
      ],
      'pull 5/9',
    ],
    [
      'the same anew',
      [
        ['a', 'Downloading', 5, 9],
        ['a', 'Downloading', 1, 9],
      ],
      'pull 1/9',
    ],
  ])('survives reports of %s', (_name, reports, last) => {
    expect(told(...reports).at(-1)).toBe(last);
  });

  it('takes no more layers than an image can have', () => {
    const tally = new PullTally('app');
    for (let i = 0; i < 20_000; i += 1) {
      tally.add({ id: `${i}`, status: 'Downloading', current: 1, total: 1 });
    }
    expect(tally.progress()).toMatchObject({ done: 10_000, total: 10_000 });
  });
});
