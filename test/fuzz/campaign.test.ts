import { expect, test } from 'vitest';
import { DimgxError } from '#dimgx/errors.js';
import { campaign, replay } from './campaign.js';
import { must, type Target } from './target.js';

/** Refuses numbers below 10, and breaks at one in a thousand of the others. */
const breaking: Target<number> = {
  name: 'breaking',
  share: 1,
  batch: 100,
  seeds: () => [500, 5],
  mutate: (number, random) => (number + random(1000)) % 1000,
  run(number) {
    if (number < 10) throw new DimgxError('DIMGX_TAR_BAD_HEADER', 'too small');
    must(number !== 777, `${number} is broken`);
  },
};

test('what breaks is found once of its kind, and again by its name', async () => {
  const { inputs, outcomes, findings } = await campaign(breaking, { inputs: 20_000 });
  expect(inputs).toBe(20_000);
  expect([...outcomes.keys()].sort()).toEqual(['DIMGX_TAR_BAD_HEADER', 'finding', 'read']);
  expect([...outcomes.values()].reduce((sum, count) => sum + count)).toBe(inputs);
  expect(findings).toHaveLength(1);
  await expect(replay(breaking, findings[0]?.input ?? '')).rejects.toThrow('777 is broken');
});

test('a defect that dimgx itself has caught is a finding, too', async () => {
  const run = () => {
    throw new DimgxError('DIMGX_INTERNAL', 'a defect');
  };
  const { findings } = await campaign({ ...breaking, run }, { inputs: 10 });
  expect(findings).toMatchObject([{ input: '0', error: { code: 'DIMGX_INTERNAL' } }]);
});

test('the same seed tries the same inputs, another one others', async () => {
  const tried = async (seed: number) => {
    const numbers: number[] = [];
    await campaign({ ...breaking, run: (number) => void numbers.push(number as number) }, { inputs: 50, seed });
    return numbers;
  };
  expect(await tried(1)).toEqual(await tried(1));
  expect(await tried(1)).not.toEqual(await tried(2));
});
