import { expect, test } from 'vitest';
import { isForEngines, JUDGES, type Judge, keptVerdicts } from './judges.js';
import { expectedOf, type Outcome, outcomeOf } from './outcome.js';
import { CASES } from './sections.js';
import { conformanceTable } from './table.js';
import { agrees, type Verdict } from './verdict.js';

const outcomes = new Map<string, Outcome>();

test.each(Object.keys(JUDGES) as Judge[])('the verdicts of %s are of cases that there are', async (judge) => {
  const asked = CASES.filter(({ example }) => isForEngines(example)).map(({ title }) => title);
  expect(Object.keys(await keptVerdicts(judge)).filter((title) => !asked.includes(title))).toEqual([]);
});

test.each(Object.keys(JUDGES) as Judge[])(
  'where %s does otherwise, the rule says so, and what dimgx does',
  async (judge) => {
    const verdicts = await keptVerdicts(judge);
    const others = CASES.filter(
      ({ title, example }) => title in verdicts && !agrees(example, verdicts[title] as Verdict),
    );
    expect(others.filter(({ rule }) => !rule.engines || !rule.choice).map(({ title }) => title)).toEqual([]);
  },
);

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
  const judges = Object.keys(JUDGES) as Judge[];
  const verdicts = new Map(await Promise.all(judges.map(async (judge) => [judge, await keptVerdicts(judge)] as const)));
  await expect(conformanceTable(outcomes, verdicts)).toMatchFileSnapshot('TABLE.md');
});
