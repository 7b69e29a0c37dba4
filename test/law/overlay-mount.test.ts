import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/members.js';
import { RUNS } from './bounds.js';
import { checkLaw } from './check-law.js';
import { differencesFrom, judged, rowsLeftBy, type Show } from './judged.js';
import { TOLD_TO_OVERLAY } from './left-to-the-model.js';
import { shownByOverlay, whyNoOverlay } from './overlay-judge.js';
import { proven } from './proven-row.js';
import { judgedRegressions } from './regressions.js';

const why = whyNoOverlay();
const rows = rowsLeftBy('overlay');

describe.skipIf(why !== '')(`what the kernel shows of layers in an overlay${why}`, () => {
  test('random stacks flatten to it', { timeout: 0 }, async () => {
    const folder = await temporaryFolder();
    const show: Show = (stacks) => shownByOverlay(stacks, folder);
    const law = checkLaw(
      (stacks) => differencesFrom(show, stacks, rows),
      RUNS / 5,
      (stack) => judged(stack, 'overlay'),
    );
    await expect(law).resolves.toBeUndefined();
  });

  test.each(rows)('it differs on row $row', async (row) => {
    const folder = await temporaryFolder();
    expect(await proven(row, 'overlay', (stacks) => shownByOverlay(stacks, folder))).toBe('the row, and it alone');
  });

  test.each(TOLD_TO_OVERLAY)('it needs to be told of row $row', async ({ example }) => {
    const folder = await temporaryFolder();
    const [told] = await differencesFrom((stacks) => shownByOverlay(stacks, folder), [example], rows);
    const [literal] = await differencesFrom((stacks) => shownByOverlay(stacks, folder, true), [example], rows);
    expect({ told, literal }).toEqual({ told: [], literal: ['"d/a": missing, a file'] });
  });

  test.each(judgedRegressions('overlay'))('$name', async ({ stack }) => {
    const folder = await temporaryFolder();
    expect(await differencesFrom((stacks) => shownByOverlay(stacks, folder), [stack], rows)).toEqual([[]]);
  });
});
