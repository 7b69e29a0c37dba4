import { differencesFrom, judged, rowsLeftBy, type Show } from './judged.js';
import type { Judge, LeftRow } from './left-to-the-model.js';
import { withoutRefused } from './without-refused.js';

/**
 * Whether a row is still to be left to the model: the judge differs on its example, which no other row takes from it,
 * and agrees on what the row leaves of it.
 *
 * @returns what was found
 */
export async function proven(row: LeftRow, judge: Judge, show: Show): Promise<string> {
  const others = rowsLeftBy(judge).filter((other) => other !== row);
  const { example } = row;
  const changing = others.filter(({ without }) => without && !isSame(withoutRefused(without(example)), example));
  if (changing.length > 0) return `other rows, too: ${changing.map((other) => other.row).join('; ')}`;
  const [[literally = []] = [], [rest = []] = []] = [
    await differencesFrom(show, [example], others),
    await differencesFrom(show, [judged(example, judge)], [...others, row]),
  ];
  if (rest.length > 0) return `more than the row: ${rest.join('; ')}`;
  return literally.length > 0 ? 'the row, and it alone' : 'no difference';
}

function isSame(stack: unknown, other: unknown): boolean {
  return JSON.stringify(stack) === JSON.stringify(other);
}
