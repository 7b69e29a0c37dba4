import { rm } from 'node:fs/promises';
import { measure, median } from './measure.mjs';
import { CommandError } from './shell.mjs';

/**
 * Who takes part in a contest, with what is known of its input.
 *
 * @typedef {object} Contender
 * @property {string} title for the table
 * @property {string} command of bash; `$NODE` in it is Node
 * @property {() => Promise<unknown>} [check] fails when what it makes is not right; what it returns is said in the table
 * @property {string} [output] a file or folder that it makes, removed after each run
 * @property {string} [watched] a folder whose open files are watched; the command is one program then
 * @property {boolean} [slow] takes part in three rounds at most, without a warm-up
 * @property {import('./write-image.mjs').Image} [image] that it works on
 */

/**
 * A contender that has been measured; what its check returned is the remark. One that failed has no figures.
 *
 * @typedef {Contender & import('./measure.mjs').Measure & { remark: string, hasFailed: boolean }} Result
 */

const SLOW_ROUNDS = 3;

/**
 * Checks all, and runs them in turn, A B C, A B C, …, after one round to warm up where there are several. Goes on without a
 * contender that fails.
 *
 * @param {Map<string, Contender>} contenders
 * @param {number} rounds
 * @param {(line: string) => void} say
 * @returns {Promise<Map<string, Result>>} with medians
 */
export async function contest(contenders, rounds, say) {
  /** @type {Map<string, string>} */
  const remarks = new Map();
  const failed = new Set();
  /** @param {string} name @param {Contender} contender @param {() => Promise<void>} work */
  const attempt = async (name, { output }, work) => {
    try {
      await work();
    } catch (failure) {
      if (failure instanceof CommandError && failure.exitCode === null) throw failure; // stopped on purpose
      say(`${name} has failed: ${failure}`);
      failed.add(name);
      process.exitCode = 1;
    } finally {
      if (output) await rm(output, { recursive: true, force: true });
    }
  };
  for (const [name, contender] of contenders) {
    if (contender.check) say(`checking ${name}`);
    await attempt(name, contender, async () => {
      remarks.set(name, String((await contender.check?.()) ?? ''));
    });
  }
  /** @type {Map<string, import('./measure.mjs').Measure[]>} */
  const runs = new Map([...contenders.keys()].map((name) => [name, []]));
  const isSlow = [...contenders.values()].every(({ slow }) => slow);
  const last = isSlow ? Math.min(rounds, SLOW_ROUNDS) : rounds;
  for (let round = last === 1 || isSlow ? 1 : 0; round <= last; round++) {
    say(round === 0 ? 'warming up' : `round ${round} of ${last}`);
    for (const [name, contender] of contenders) {
      const { command, slow, watched } = contender;
      if (failed.has(name) || (slow && (round === 0 || round > SLOW_ROUNDS))) continue;
      await attempt(name, contender, async () => {
        const measured = await measure(command, watched);
        if (round > 0) runs.get(name)?.push(measured);
      });
    }
  }
  return new Map(
    [...contenders].map(([name, contender]) => {
      const figures = median(runs.get(name) ?? []);
      return [name, { ...contender, ...figures, remark: remarks.get(name) ?? '', hasFailed: failed.has(name) }];
    }),
  );
}
