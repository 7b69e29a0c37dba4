import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import type { Plan } from '#dimgx/merge/plan.js';
import { flattenLayers, withLayers } from '../helpers/flatten-layers.js';
import { treeOfTar } from '../helpers/read-tar.js';
import { treeDifferences } from '../helpers/tree-differences.js';
import { RUNS, SEED } from './bounds.js';
import { newModel, randomStack, type Stack, withoutRefused } from './random-stack.js';
import { Refusal } from './reference-model.js';

const none = () => false;

test('random stacks flatten to the tree of the reference model', { timeout: 0 }, async () => {
  const property = fc.asyncProperty(randomStack, async (random) => {
    const stack = withoutRefused(random, newModel);
    const model = newModel();
    for (const layer of stack) model.apply(layer);
    const { tar, plan } = await withLayers(stack, {}, async (indexes) => {
      return { tar: await buffer(extractLayers(indexes)), plan: mergeLayers(indexes, { explain: true }) };
    });
    expect(treeDifferences(model.tree(), treeOfTar(tar), none)).toEqual([]);
    expect(namesAccountedFor(plan)).toBe(entriesOf(plan));
  });
  await fc.assert(property, { numRuns: RUNS, seed: SEED });
});

test('random stacks are refused for the reason that the reference model gives', { timeout: 0 }, async () => {
  const property = fc.asyncProperty(randomStack, async (stack) => {
    const reason = flattenLayers(stack).then(
      () => 'none',
      (error: { code: string }) => error.code,
    );
    expect(await reason).toBe(refusalOf(stack));
  });
  await fc.assert(property, { numRuns: RUNS, seed: SEED });
});

/** The name of each entry is written, or told to be hidden. */
function namesAccountedFor(plan: Plan): number {
  return plan.entry.filter((entry) => entry >= 0).length + plan.hidden.length;
}

function entriesOf(plan: Plan): number {
  return plan.layers.reduce((sum, { entries }) => sum + entries.length, 0);
}

function refusalOf(stack: Stack): string {
  const model = newModel();
  try {
    for (const layer of stack) model.apply(layer);
    return 'none';
  } catch (refusal) {
    if (refusal instanceof Refusal) return refusal.code;
    throw refusal;
  }
}
