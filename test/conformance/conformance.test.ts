import { expect, test } from 'vitest';
import { expectedOf, type Outcome, outcomeOf } from './outcome.js';
import { CASES } from './sections.js';
import { conformanceTable } from './table.js';

const outcomes = new Map<string, Outcome>();

test('every case has a name of its own', () => {
  const titles = CASES.map(({ title }) => title);
  expect(titles.filter((title, i) => titles.indexOf(title) !== i)).toEqual([]);
});

test.each(CASES)('$title', async ({ title, example }) => {
  outcomes.set(title, await outcomeOf(example));
  expect(outcomes.get(title)).toEqual(expectedOf(example));
});

test('the table is what came of the cases (npm run conformance writes it)', async () => {
  for (const { title, example } of CASES) if (!outcomes.has(title)) outcomes.set(title, await outcomeOf(example));
  await expect(conformanceTable(outcomes)).toMatchFileSnapshot('TABLE.md');
});
