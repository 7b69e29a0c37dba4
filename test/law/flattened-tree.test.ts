import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import type { Plan } from '#dimgx/merge/plan.js';
import { flattenLayers, withLayers } from '../helpers/flatten-layers.js';
import { treeOfTar } from '../helpers/read-tar.js';
import { treeDifferences } from '../helpers/tree-differences.js';
import { RUNS } from './bounds.js';
import { checkLaw } from './check-law.js';
import { modelTree } from './model-tree.js';
import type { Stack } from './random-stack.js';
import { refusalOf, withoutRefused } from './without-refused.js';

const none = () => false;

test('random stacks flatten to the tree of the reference model', { timeout: 0 }, async () => {
  const law = async (stack: Stack) => {
    const { tar, plan } = await withLayers(stack, {}, async (indexes) => {
      return { tar: await buffer(extractLayers(indexes)), plan: mergeLayers(indexes, { explain: true }) };
    });
    expect(namesAccountedFor(plan)).toBe(entriesOf(plan));
    return treeDifferences(modelTree(stack), treeOfTar(tar), none);
  };
  await checkLaw((stacks) => Promise.all(stacks.map(law)), RUNS, withoutRefused);
});

test('random stacks are refused for the reason that the reference model gives', { timeout: 0 }, async () => {
  const law = async (stack: Stack) => {
    const expected = refusalOf(stack)?.code ?? 'no refusal';
    const actual = await flattenLayers(stack).then(
      () => 'no refusal',
      (error: { code: string }) => error.code,
    );
    return actual === expected ? [] : [`${actual}, should be ${expected}`];
  };
  await checkLaw(
    (stacks) => Promise.all(stacks.map(law)),
    RUNS,
    (stack) => stack,
  );
});

/** The name of each entry is written, or told to be hidden. */
function namesAccountedFor(plan: Plan): number {
  return [...plan.survivors()].filter(({ index }) => index >= 0).length + [...plan.hidden()].length;
}

function entriesOf(plan: Plan): number {
  return plan.layers.reduce((sum, { entries }) => sum + entries.length, 0);
}
