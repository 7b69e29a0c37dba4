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

const why = whyNotHere('root', XATTR_READER);

test.skipIf(why !== '')(
  `random flattened stacks unpack to the tree that their tar tells${why}`,
  { timeout: 0 },
  async () => {
    const folder = await temporaryFolder();
    /** Of the root, a directory that is there keeps all, and a new one gets what an entry says. */
    const differencesAt = async (dest: string, tar: Buffer, hasRoot: boolean) => {
      await unpack(tar, { dest, piece: 1000 });
      const actual = await listTree(dest);
      const told = new Map(
        [...copied(treeOfTar(tar))].map(([path, entry]) => [path, withTimeOf(entry, actual.get(path))]),
      );
      if (!hasRoot) for (const tree of [told, actual]) (tree as Map<string, TreeEntry>).delete('.');
      await rm(dest, { recursive: true });
      return treeDifferences(told, actual, () => false);
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
    xattrs: '',
  });
  const kept = [...tree].filter(([, { type }]) => !/device|fifo/.test(type));
  return new Map(kept.map(([path, entry]) => [path, of(entry)]));
}

/** In seconds. From there on, the numbers that Node takes for times are less exact than a microsecond. */
const FAR = 2 ** 33;

/** The same entry. Its time is that of another one if that is as near as Node can get. */
function withTimeOf(entry: TreeEntry, { mtime } = entry): TreeEntry {
  const nanos = (text: string) => {
    const [seconds = '', rest = ''] = text.split('.');
    return BigInt(seconds) * 1_000_000_000n + BigInt(rest);
  };
  const [one, other] = [nanos(entry.mtime), nanos(mtime)];
  const apart = one > other ? one - other : other - one;
  return apart < 1000n || Math.abs(Number(mtime)) > FAR ? { ...entry, mtime } : entry;
}
