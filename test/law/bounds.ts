/** How many random stacks a judge sees, and which. A longer run: `DIMGX_LAW_RUNS=100000 DIMGX_LAW_SEED=7 npx vitest run test/law`. */
export const RUNS = Number(process.env.DIMGX_LAW_RUNS ?? 500);
export const SEED = Number(process.env.DIMGX_LAW_SEED ?? 1);
