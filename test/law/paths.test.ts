import { test } from 'vitest';
import { seeded } from '../fuzz/random.js';
import { flattenLayers } from '../helpers/flatten-layers.js';
import type { Tree } from '../helpers/tree.js';
import { treeDigest } from '../helpers/tree-text.js';
import { RUNS, SEED } from './bounds.js';
import { checkLaw } from './check-law.js';
import { modelTree } from './model-tree.js';
import { keptBy, randomRules } from './random-rules.js';
import type { Stack } from './random-stack.js';
import { withoutRefused } from './without-refused.js';

test('rules keep those paths of a random stack that fit, with what is above', { timeout: 0 }, async () => {
  const random = seeded(SEED);
  const law = async (stack: Stack) => {
    const paths = randomRules(random);
    const { tar, treeDigest: digest } = await flattenLayers(stack, { paths });
    const isTheSame = digest === treeDigest(keptOf(paths, modelTree(stack)));
    const again = await flattenLayers([tar]);
    return [
      ...(isTheSame ? [] : [`another tree with ${paths.join(' ')}`]),
      ...(again.tar.equals(tar) ? [] : [`a tar that is not its own tree, with ${paths.join(' ')}`]),
    ];
  };
  await checkLaw((stacks) => Promise.all(stacks.map(law)), RUNS, withoutRefused);
});

/** The paths that rules keep, with those above. */
function keptOf(rules: readonly string[], tree: Tree): Tree {
  const isKept = keptBy(rules);
  const kept = [...tree.keys()].filter((path) => path === '.' || isKept(path));
  const above = (path: string) => path.split('/').map((_, i, names) => names.slice(0, i + 1).join('/'));
  const all = new Set(kept.flatMap(above));
  return new Map([...tree].filter(([path]) => all.has(path)));
}
