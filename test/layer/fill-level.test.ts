import { expect, test } from 'vitest';
import { FillLevel } from '#dimgx/layer/fill-level.js';

test('who waits goes on when so much is there', async () => {
  const level = new FillLevel();
  const reached: number[] = [];
  for (const end of [30, 10, 20]) void level.until(end).then(() => reached.push(end));
  await level.until(0);
  expect(reached).toEqual([]);
  level.rise(20);
  await level.until(20);
  expect({ reached: reached.sort(), length: level.length }).toEqual({ reached: [10, 20], length: 20 });
  level.rise(5);
  expect(level.length).toBe(20);
  level.rise(30);
  await level.until(30);
  expect(reached).toContain(30);
});

test('who waits, and who asks later, is told that there will be no more', async () => {
  const level = new FillLevel();
  const waiting = level.until(2);
  level.rise(1);
  level.fail(new Error('damaged'));
  level.fail(new Error('closed'));
  await expect(waiting).rejects.toThrow('damaged');
  await expect(level.until(1)).rejects.toThrow('damaged');
});

test('nobody waits for what is full', async () => {
  await FillLevel.full.until(Number.MAX_SAFE_INTEGER);
});
