import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { whyNotHere } from '../helpers/engines.js';
import { flattenLayers } from '../helpers/flatten-layers.js';
import { temporaryFolder } from '../helpers/members.js';
import { treeOfTar } from '../helpers/read-tar.js';
import { listTree, type Tree, type TreeEntry } from '../helpers/tree.js';
import { treeDifferences } from '../helpers/tree-differences.js';
import { unpack } from '../helpers/unpack.js';
import { XATTR_READER } from '../helpers/xattrs.js';
import { RUNS } from './bounds.js';
import { checkLaw } from './check-law.js';
import { judged } from './judged.js';
import type { Stack } from './random-stack.js';

/** In seconds. From there on, the numbers that Node takes for times are less exact than a microsecond. */
const FAR = 2 ** 33;

const why = whyNotHere('root', XATTR_READER);

test.skipIf(why !== '')(
  `random flattened stacks unpack to the tree that their tar tells${why}`,
  { timeout: 0 },
  async () => {
    const folder = await temporaryFolder();
    /** Of the root, a directory that is there keeps all, and a new one gets what an entry says. */
    const differencesAt = async (dest: string, tar: Buffer, hasRoot: boolean) => {
      await unpack(tar, { dest, piece: 1000 });
      const compared = (tree: Tree) => new Map([...tree].filter(([path]) => hasRoot || path !== '.'));
      const [told, actual] = [compared(copied(treeOfTar(tar))), compared(await listTree(dest))];
      await rm(dest, { recursive: true });
      return treeDifferences(told, actual, (_, field, { mtime }) => field === 'mtime' && Math.abs(Number(mtime)) > FAR);
    };
    const differences = async (stack: Stack) => {
      const { tar } = await flattenLayers(stack);
      await mkdir(join(folder, 'there'));
      const there = await differencesAt(join(folder, 'there'), tar, false);
      return [...there, ...(await differencesAt(join(folder, 'new'), tar, treeOfTar(tar).has('.')))];
    };
    // What Linux itself does not keep, no copy has.
    const law = checkLaw(
      async ([stack = []]) => [await differences(stack)],
      RUNS / 2,
      (stack) => judged(stack, 'overlay'),
      1,
    );
    await expect(law).resolves.toBeUndefined();
  },
);

/** What a tree becomes when somebody copies it without special rights. */
function copied(tree: Tree): Tree {
  const of = (entry: TreeEntry): TreeEntry => ({
    ...entry,
    mode: entry.type === 'symlink' ? entry.mode : entry.mode.replace(/^./, '0'),
    owner: `${process.getuid?.()}:${process.getgid?.()}`,
    mtime: entry.mtime.replace(/...$/, '000'),
    xattrs: '',
  });
  const kept = [...tree].filter(([, { type }]) => !/device|fifo/.test(type));
  return new Map(kept.map(([path, entry]) => [path, of(entry)]));
}
