import { describe, expect, test } from 'vitest';
import { shortOrLong } from '../helpers/short-or-long.js';
import { campaign } from './campaign.js';
import { TARGETS } from './targets/index.js';

/**
 * A short run, the same every time. `DIMGX_FUZZ_INPUTS` and `DIMGX_FUZZ_SEED` make it longer, or another; the long run,
 * which is guided by coverage and bounded in memory, is `npm run fuzz`.
 */
const INPUTS = Number(process.env.DIMGX_FUZZ_INPUTS ?? shortOrLong(8_000, 60_000));
const SEED = Number(process.env.DIMGX_FUZZ_SEED ?? 1);
const SHARES = TARGETS.reduce((sum, { share }) => sum + share, 0);

describe('mutated inputs are read, or refused with a code', () => {
  test.each(TARGETS)('$name', { timeout: 0 }, async (target) => {
    const inputs = Math.max(target.batch, Math.ceil((INPUTS * target.share) / SHARES));
    const { findings, outcomes } = await campaign(target, { inputs, seed: SEED });
    const told = findings.map(({ input, error }) => [`npm run fuzz -- --replay ${target.name}:${input}`, error]);
    expect(told).toEqual([]);
    expect(outcomes.get('read')).toBeGreaterThan(0);
    expect(outcomes.size).toBeGreaterThan(1);
  });
});
