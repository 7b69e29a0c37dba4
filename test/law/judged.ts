import { flattenLayers } from '../helpers/flatten-layers.js';
import { treeOfTar } from '../helpers/read-tar.js';
import type { Tree } from '../helpers/tree.js';
import { treeDifferences } from '../helpers/tree-differences.js';
import { type Judge, LEFT_TO_THE_MODEL, type LeftRow } from './left-to-the-model.js';
import type { Stack } from './random-stack.js';
import { withoutRefused } from './without-refused.js';

/** What a judge shows of a stack, or why it refuses it. */
export type Shown = { readonly tree: Tree } | { readonly refusal: string };

/** Asks a judge about several stacks at once, which is quicker. */
export type Show = (stacks: readonly Stack[]) => Promise<readonly Shown[]>;

/** What a judge is asked about: a stack that is not refused, without the rows that are left to the model. */
export function judged(stack: Stack, judge: Judge): Stack {
  let rest = withoutRefused(stack);
  for (;;) {
    const next = withoutRows(rest, rowsLeftBy(judge));
    if (isSame(rest, next)) return rest;
    rest = next;
  }
}

export function rowsLeftBy(judge: Judge): readonly LeftRow[] {
  return LEFT_TO_THE_MODEL.filter(({ judges }) => judges.includes(judge));
}

/** In milliseconds; no entry of a random stack has such a time. */
const HOUR = 3_600_000;

/**
 * For each stack how its flattened tree differs from what a judge shows, one way a line; that it is refused is one,
 * too.
 *
 * @param rows what of the judge's tree is open
 */
export async function differencesFrom(
  show: Show,
  stacks: readonly Stack[],
  rows: readonly LeftRow[],
): Promise<(readonly string[])[]> {
  // an engine may have the layer from an image that it was given before, and refused
  const since = Date.now() - HOUR;
  const shown = await show(stacks);
  const open = rows.flatMap((row) => row.open?.(since) ?? []);
  const differences: (readonly string[])[] = [];
  for (const [i, judgement] of shown.entries()) {
    const flat = treeOfTar((await flattenLayers(stacks[i] as Stack)).tar);
    if ('refusal' in judgement) {
      differences.push([`refused: ${judgement.refusal}`]);
      continue;
    }
    const expected = new Map(judgement.tree);
    if (!flat.has('.')) expected.delete('.'); // there is always a root, and in most images no entry for it
    differences.push(treeDifferences(expected, flat, (...field) => open.some((isOpen) => isOpen(...field))));
  }
  return differences;
}

function withoutRows(stack: Stack, rows: readonly LeftRow[]): Stack {
  return rows.reduce((left, { without }) => (without ? withoutRefused(without(left)) : left), stack);
}

function isSame(stack: Stack, other: Stack): boolean {
  return stack.every((layer, i) => {
    const entries = other[i] ?? [];
    return layer.length === entries.length && layer.every((entry, j) => entry === entries[j]);
  });
}
