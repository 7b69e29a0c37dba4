import { expect, test } from 'vitest';
import { expectedOf, outcomeOf } from './outcome.js';
import { CASES } from './sections.js';

test('every case has a name of its own', () => {
  const titles = CASES.map(({ title }) => title);
  expect(titles.filter((title, i) => titles.indexOf(title) !== i)).toEqual([]);
});

test.each(CASES)('$title', async ({ example }) => {
  expect(await outcomeOf(example)).toEqual(expectedOf(example));
});
