import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { whyNotHere } from '../helpers/engines.js';
import { EXTRACTORS, type Extractor, extractTar } from '../helpers/extract-tar.js';
import { flattenLayers } from '../helpers/flatten-layers.js';
import { temporaryFolder } from '../helpers/members.js';
import { treeOfTar } from '../helpers/read-tar.js';
import type { Tree, TreeEntry } from '../helpers/tree.js';
import { treeDifferences } from '../helpers/tree-differences.js';
import { XATTR_READER } from '../helpers/xattrs.js';
import { RUNS } from './bounds.js';
import { checkLaw } from './check-law.js';
import { judged } from './judged.js';
import { looseTree } from './loose-tree.js';
import type { Stack } from './random-stack.js';
import { tarsOf } from './tars-of.js';

describe.each(Object.keys(EXTRACTORS) as Extractor[])('%s', (extractor) => {
  const why = whyNotHere('root', extractor === 'bsdtar' ? 'bsdtar' : 'tar', XATTR_READER);

  test.skipIf(why !== '')(
    `extracts random flattened stacks without a word, to the tree that their tar tells${why}`,
    { timeout: 0 },
    async () => {
      const folder = await temporaryFolder();
      const differences = async (stack: Stack) => {
        const { tar } = await flattenLayers(stack);
        await writeFile(join(folder, 'flat.tar'), tar);
        const { tree, stderr } = await extractTar(extractor, join(folder, 'flat.tar'), folder);
        const told = extractor === 'bsdtar' ? withoutAcls(treeOfTar(tar)) : treeOfTar(tar);
        const isOpen = (path: string) => path === '.' && !told.has('.');
        const actual = new Map([...tree].filter(([path]) => !isOpen(path)));
        const wrong = treeDifferences(told, actual, (path, field, { mtime }) => {
          if (field !== 'mtime') return false;
          // bsdtar leaves the time of the directory that it extracts to as it finds it, and subtracts no fractions
          return path === '.' || (extractor === 'bsdtar' && mtime.startsWith('-') && !mtime.endsWith('.000000000'));
        });
        return [...(stderr === '' ? [] : [stderr]), ...wrong];
      };
      const law = checkLaw(
        async ([stack = []]) => [await differences(stack)],
        RUNS / 10,
        // what Linux itself does not keep, no extractor can
        (stack) => judged(stack, 'overlay'),
        1,
      );
      await expect(law).resolves.toBeUndefined();
    },
  );

  test.skipIf(why !== '')(
    `extracts the hidden versions of random stacks without a word${why}`,
    {
      timeout: 0,
    },
    async () => {
      const folder = await temporaryFolder();
      const differences = async (stack: Stack) => {
        const { hidden } = await tarsOf(stack);
        await writeFile(join(folder, 'hidden.tar'), hidden);
        const { tree, stderr } = await extractTar(extractor, join(folder, 'hidden.tar'), folder);
        const told = extractor === 'bsdtar' ? withoutAcls(looseTree(hidden)) : looseTree(hidden);
        const isImplied = (path: string, { type }: TreeEntry) => type === 'directory' && !told.has(path);
        const actual = new Map([...tree].filter(([path, entry]) => !isImplied(path, entry)));
        const wrong = treeDifferences(told, actual, (_, field, { mtime }) => {
          return field === 'mtime' && extractor === 'bsdtar' && mtime.startsWith('-') && !mtime.endsWith('.000000000');
        });
        return [...(stderr === '' ? [] : [stderr]), ...wrong];
      };
      const law = checkLaw(
        async ([stack = []]) => [await differences(stack)],
        RUNS / 10,
        (stack) => judged(stack, 'overlay'),
        1,
      );
      await expect(law).resolves.toBeUndefined();
    },
  );
});

/** bsdtar takes ACLs from records of its own kind alone, which container engines do not write. */
function withoutAcls(tree: Tree): Tree {
  return new Map(
    [...tree].map(([path, entry]) => [
      path,
      { ...entry, xattrs: entry.xattrs.replace(/^system\.posix_acl_access=\S+ ?/, '') },
    ]),
  );
}
