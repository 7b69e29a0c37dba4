import { shortOrLong } from '../helpers/short-or-long.js';

/**
 * How many random stacks are tried, and which. A longer run is `DIMGX_LAW_RUNS=50000 DIMGX_LAW_SEED=7 npx vitest run
 * test/law`, for Docker Engine `DIMGX_LAW_RUNS=4000 DIMGX_LAW_SEED=7 npx vitest run
 * test/engines/random-stacks.test.ts`. The reference model judges all of them, an overlay mount a fifth, Docker Engine
 * a quarter, each extractor a tenth.
 */
export const RUNS = Number(process.env.DIMGX_LAW_RUNS ?? shortOrLong(100, 300));
export const SEED = Number(process.env.DIMGX_LAW_SEED ?? 1);
