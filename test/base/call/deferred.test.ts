import { expect, test } from 'vitest';
import { Deferred, handledLater } from '#dimgx/base/call/deferred.js';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test('a rejection that is handled later ends nothing before, and is thrown then', async () => {
  const promise = handledLater(Promise.reject(new Error('mine')));
  await nextTurn(); // a rejection that nothing handles would end the test
  await expect(promise).rejects.toThrow('mine');
});

test('a promise that is handled later resolves as it is', async () => {
  expect(await handledLater(Promise.resolve(5))).toBe(5);
});

test('a deferred promise is settled from outside, and once', async () => {
  const deferred = new Deferred<string>();
  deferred.resolve('first');
  deferred.reject(new Error('second'));
  expect(await deferred.promise).toBe('first');
});

test('a deferred promise may be rejected before it is awaited', async () => {
  const deferred = new Deferred<void>();
  deferred.reject(new Error('mine'));
  await nextTurn();
  await expect(deferred.promise).rejects.toThrow('mine');
});
