import { expect, test } from 'vitest';
import { damagedBag } from '#dimgx/evidence/bag/bag-error.js';

test.each([
  [1, '1 problem'],
  [2, '2 problems'],
])('a bag with %i problems is damaged', (count, told) => {
  const error = damagedBag('my\nbag', count);
  expect(error).toMatchObject({ code: 'DIMGX_BAG_DAMAGED', exitCode: 2, path: 'my\\nbag' });
  expect(error.message).toBe(`the bag "my\\nbag" has ${told}: get another copy of it`);
});
