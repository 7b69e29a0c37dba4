import { rm } from 'node:fs/promises';
import { measure, median } from './measure.mjs';

/**
 * Who takes part in a contest, with what is known of its input.
 *
 * @typedef {object} Contender
 * @property {string} title for the table
 * @property {string} command of bash; `$NODE` in it is Node
 * @property {() => Promise<unknown>} [check] fails when what it makes is not right; what it returns is said in the table
 * @property {string} [output] a file or folder that it makes, removed after each run
 * @property {boolean} [slow] takes part in three rounds at most, without a warm-up
 * @property {import('./write-image.mjs').WrittenImage} [image] that it works on
 */

/** A contender that has been measured; what its check returned is the remark. @typedef {Contender & import('./measure.mjs').Measure & { remark: string }} Result */

const SLOW_ROUNDS = 3;

/**
 * Checks all, and runs them in turn, A B C, A B C, …, after one round to warm up where there are several.
 *
 * @param {Map<string, Contender>} contenders
 * @param {number} rounds
 * @param {(line: string) => void} say
 * @returns {Promise<Map<string, Result>>} with medians
 */
export async function contest(contenders, rounds, say) {
  /** @type {Map<string, string>} */
  const remarks = new Map();
  for (const [name, { check }] of contenders) {
    if (check) say(`checking ${name}`);
    remarks.set(name, String((await check?.()) ?? ''));
  }
  /** @type {Map<string, import('./measure.mjs').Measure[]>} */
  const runs = new Map([...contenders.keys()].map((name) => [name, []]));
  const isSlow = [...contenders.values()].every(({ slow }) => slow);
  const last = isSlow ? Math.min(rounds, SLOW_ROUNDS) : rounds;
  for (let round = last === 1 || isSlow ? 1 : 0; round <= last; round++) {
    say(round === 0 ? 'warming up' : `round ${round} of ${last}`);
    for (const [name, { command, output, slow }] of contenders) {
      if (slow && (round === 0 || round > SLOW_ROUNDS)) continue;
      const measured = await measure(command);
      if (output) await rm(output, { recursive: true });
      if (round > 0) runs.get(name)?.push(measured);
    }
  }
  return new Map(
    [...contenders].map(([name, contender]) => {
      return [name, { ...contender, ...median(runs.get(name) ?? []), remark: remarks.get(name) ?? '' }];
    }),
  );
}
