import { expect, test } from 'vitest';
import type { DimgxError } from '#dimgx/errors.js';
import { flattenLayers } from '../helpers/flatten-layers.js';
import { treeOfTar } from '../helpers/read-tar.js';
import { type Case, shownTree } from './case.js';
import { CASES } from './cases.js';

test.each(CASES)('$row', async ({ layers, tree, warnings = [], select }: Case) => {
  const flattened = flattenLayers(layers, { ...(select && { select }) });
  if (typeof tree === 'string') {
    await expect(flattened.catch((error: DimgxError) => Promise.reject(error.code))).rejects.toBe(tree);
    return;
  }
  const { tar, codes } = await flattened;
  expect(shownTree(treeOfTar(tar), layers)).toEqual(tree);
  expect(codes).toEqual(warnings);
});
