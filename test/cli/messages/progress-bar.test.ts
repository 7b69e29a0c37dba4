import { expect, test } from 'vitest';
import { ProgressBar } from '#dimgx/cli/messages/progress-bar.js';

const MB = 1_000_000;

function barOn(columns: number | undefined = 200) {
  const written: string[] = [];
  const clock = { now: 1000 };
  const bar = new ProgressBar({ columns, write: (text) => written.push(text) }, () => clock.now);
  return { bar, clock, written, last: () => written.at(-1)?.replace('\r\x1b[K', '') };
}

test('bytes, share and rate of one item', () => {
  const { bar, clock, last } = barOn();
  bar.update({ stage: 'inspect', item: 'layer 1', done: 0, total: 8 * MB });
  clock.now += 2000;
  bar.update({ stage: 'inspect', item: 'layer 1', done: 4 * MB, total: 8 * MB });
  expect(last()).toBe('inspecting [############............]  50%  4 MB of 8 MB  2 MB/s  layer 1');
});

test('items under way at once are added up on one line', () => {
  const { bar, clock, last } = barOn();
  bar.update({ stage: 'inspect', item: 'a', done: 0, total: 2 * MB });
  bar.update({ stage: 'inspect', item: 'b', done: 1 * MB, total: 2 * MB });
  clock.now += 1000;
  bar.update({ stage: 'inspect', item: 'a', done: 1 * MB, total: 2 * MB });
  expect(last()).toContain(' 50%  2 MB of 4 MB  2 MB/s  2 at once');
  clock.now += 1000;
  bar.update({ stage: 'inspect', item: 'a', done: 2 * MB, total: 2 * MB });
  expect(last()).toContain(' 75%  3 MB of 4 MB  1.5 MB/s  b');
});

test('a total that nobody knows is left out', () => {
  const { bar, clock, last } = barOn();
  bar.update({ stage: 'open', item: 'standard input', done: 0, total: undefined });
  clock.now += 500;
  bar.update({ stage: 'open', item: 'standard input', done: 3 * MB, total: undefined });
  expect(last()).toBe('reading  3 MB  6 MB/s  standard input');
});

test('nothing is counted of what has brought no bytes', () => {
  const { bar, clock, last } = barOn();
  bar.update({ stage: 'pull', item: 'app:1', done: 0, total: undefined });
  clock.now += 500;
  bar.update({ stage: 'pull', item: 'app:1', done: 0, total: undefined });
  expect(last()).toBe('pulling  app:1');
});

test('what an engine unpacks is shown while it is not known to have fetched all', () => {
  const { bar, clock, last } = barOn();
  bar.update({ stage: 'pull', item: 'app:1', done: 5, total: undefined });
  clock.now += 500;
  bar.update({ stage: 'unpack', item: 'app:1', done: 1, total: 10 });
  clock.now += 500;
  bar.update({ stage: 'unpack', item: 'app:1', done: 5, total: 10 });
  expect(last()).toContain('unpacking [############............]  50%  5 B of 10 B');
});

test('it is drawn ten times a second at most, and not in the first tenth', () => {
  const { bar, clock, written } = barOn();
  for (let done = 0; done <= 1000; done++) {
    bar.update({ stage: 'extract', item: 'x', done, total: 1000 });
    clock.now += 1;
  }
  expect(written).toHaveLength(10);
});

test('a new stage begins anew', () => {
  const { bar, clock, last } = barOn();
  bar.update({ stage: 'inspect', item: 'a', done: 5, total: 5 });
  clock.now += 100;
  bar.update({ stage: 'extract', item: 'out.tar', done: 0, total: 10 });
  clock.now += 100;
  bar.update({ stage: 'extract', item: 'out.tar', done: 1, total: 10 });
  expect(last()).toContain('  10%  1 B of 10 B  10 B/s  out.tar');
});

test('what an engine prepared is over when it comes, though nobody knew how much it would be', () => {
  const { bar, clock, last } = barOn();
  bar.update({ stage: 'prepare', item: 'an engine', done: 0, total: undefined });
  clock.now += 100;
  bar.update({ stage: 'open', item: 'an image', done: 9, total: 9 });
  clock.now += 100;
  bar.update({ stage: 'inspect', item: 'a layer', done: 9, total: 9 });
  expect(last()).toContain('inspecting');
});

test('what is verified meanwhile does not hide what is written, and is shown when it alone is left', () => {
  const { bar, clock, last } = barOn();
  for (const done of [0, 1, 2]) {
    bar.update({ stage: 'extract', item: 'out.tar', done, total: 3 });
    bar.update({ stage: 'verify', item: 'a', done, total: 10 });
    clock.now += 60;
  }
  bar.update({ stage: 'verify', item: 'a', done: 3, total: 10 });
  expect(last()).toContain('writing [');
  bar.update({ stage: 'extract', item: 'out.tar', done: 3, total: 3 });
  clock.now += 100;
  bar.update({ stage: 'verify', item: 'a', done: 4, total: 10 });
  expect(last()).toContain('verifying [');
});

test('it fits the terminal', () => {
  const { bar, clock, last } = barOn(40);
  bar.update({ stage: 'extract', item: 'x'.repeat(100), done: 0, total: 10 });
  clock.now += 100;
  bar.update({ stage: 'extract', item: 'x'.repeat(100), done: 1, total: 10 });
  expect(last()).toHaveLength(39);
});

test('it is cleared only where it is drawn', () => {
  const { bar, clock, written } = barOn();
  bar.clear();
  bar.update({ stage: 'extract', item: 'x', done: 0, total: 10 });
  bar.clear();
  expect(written).toEqual([]);
  clock.now += 100;
  bar.update({ stage: 'extract', item: 'x', done: 1, total: 10 });
  bar.clear();
  bar.clear();
  expect(written.slice(1)).toEqual(['\r\x1b[K']);
});
