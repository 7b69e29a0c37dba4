import { expect, test } from 'vitest';
import { flattenLayers } from '../helpers/flatten-layers.js';
import { treeOfTar } from '../helpers/read-tar.js';
import { treeDifferences } from '../helpers/tree-differences.js';
import { modelTree } from './model-tree.js';
import { REGRESSIONS } from './regressions.js';
import { refusalOf } from './without-refused.js';

test.each(REGRESSIONS)('$name', async ({ stack }) => {
  const refusal = refusalOf(stack);
  const flattened = flattenLayers(stack);
  if (refusal) await expect(flattened).rejects.toMatchObject({ code: refusal.code });
  else expect(treeDifferences(modelTree(stack), treeOfTar((await flattened).tar), () => false)).toEqual([]);
});
