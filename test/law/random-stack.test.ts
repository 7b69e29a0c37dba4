import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shortOrLong } from '../helpers/short-or-long.js';
import { FEATURES, featuresOf } from './features.js';
import { judged } from './judged.js';
import { randomStack, type Stack } from './random-stack.js';
import { withoutRefused } from './without-refused.js';

const stacks = fc.sample(randomStack, { seed: 1, numRuns: shortOrLong(300, 2000) });

/** How many of them are to hold each feature, at the least. */
const LEAST = shortOrLong(1, 10);

/** What judge is never asked about, by rows of left-to-the-model.ts. */
const LEFT_BY_BOTH = ['a whiteout that names nothing', 'an opaque root'];
const LEFT_BY_OVERLAY = [...LEFT_BY_BOTH, 'a time past 2446'];
const LEFT_BY_DOCKER = [
  ...LEFT_BY_BOTH,
  ...['a whiteout under a whited-out parent', 'a duplicate', 'an xattr without a value', 'an xattr of overlayfs'],
  ...['a negative time', 'a time past 2446', 'a contiguous file', 'an old sparse file'],
];

test.each([
  ['the reference model', withoutRefused, []],
  ['an overlay mount', (stack: Stack) => judged(stack, 'overlay'), LEFT_BY_OVERLAY],
  ['Docker Engine', (stack: Stack) => judged(stack, 'docker'), LEFT_BY_DOCKER],
])('what %s is asked about holds a fair share of everything', (_, asked, left) => {
  const shares = new Map(FEATURES.map((feature) => [feature, 0]));
  for (const stack of stacks) {
    for (const feature of featuresOf(asked(stack))) shares.set(feature, (shares.get(feature) ?? 0) + 1);
  }
  const rare = [...shares].filter(([, share]) => share < LEAST);
  expect(rare.sort()).toEqual(left.map((feature) => [feature, 0]).sort());
});
