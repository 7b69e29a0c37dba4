import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import type { Plan } from '#dimgx/merge/plan.js';
import { flattenLayers, withLayers } from '../helpers/flatten-layers.js';
import { treeOfTar } from '../helpers/read-tar.js';
import { treeDifferences } from '../helpers/tree-differences.js';
import { newModel, randomStack, type Stack, withoutRefused } from './random-stack.js';
import { Refusal } from './reference-model.js';

/** A longer run: `DIMGX_LAW_RUNS=100000 DIMGX_LAW_SEED=7 npx vitest run test/law`. */
const RUNS = Number(process.env.DIMGX_LAW_RUNS ?? 300);
const SEED = Number(process.env.DIMGX_LAW_SEED ?? 1);

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
    expect(accounted(plan)).toEqual(allEntries(plan));
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

/** The entries that a plan writes or tells to be hidden: each entry of each layer has to be one or the other. */
function accounted(plan: Plan): string[] {
  const written = Array.from(plan.entry, (entry, item) => [plan.layer[item], entry] as const);
  const hidden = plan.hidden.map(({ layer, entry }) => [layer, entry] as const);
  return [...written.filter(([, entry]) => entry >= 0), ...hidden].map(String).sort();
}

function allEntries(plan: Plan): string[] {
  return plan.layers
    .flatMap(({ entries }, layer) => Array.from({ length: entries.length }, (_, i) => `${layer},${i}`))
    .sort();
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
