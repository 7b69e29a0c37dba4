import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EXTRACTORS, type Extractor, extractTar } from '../helpers/extract-tar.js';
import { flattenLayers } from '../helpers/flatten-layers.js';
import { temporaryFolder } from '../helpers/members.js';
import { treeOfTar } from '../helpers/read-tar.js';
import { treeDifferences } from '../helpers/tree-differences.js';
import { RUNS, SEED } from './bounds.js';
import { newModel, randomStack, withoutRefused } from './random-stack.js';

const isRoot = process.getuid?.() === 0;

for (const extractor of Object.keys(EXTRACTORS) as Extractor[]) {
  test.skipIf(!isRoot || !isThere(extractor))(
    `${extractor} extracts random flattened stacks without a word, to the tree that their tar tells (needs root)`,
    { timeout: 0 },
    async () => {
      const folder = await temporaryFolder();
      const property = fc.asyncProperty(randomStack, async (random) => {
        const { tar } = await flattenLayers(withoutRefused(random, newModel));
        await writeFile(join(folder, 'flat.tar'), tar);
        const { tree, stderr } = await extractTar(extractor, join(folder, 'flat.tar'), folder);
        expect(stderr).toBe('');
        const told = treeOfTar(tar);
        const isOpen = (path: string) => path === '.' && !told.has('.');
        const actual = new Map([...tree].filter(([path]) => !isOpen(path)));
        // bsdtar leaves the time of the directory that it extracts to as it finds it
        expect(treeDifferences(told, actual, (path, field) => path === '.' && field === 'mtime')).toEqual([]);
      });
      await fc.assert(property, { numRuns: RUNS / 10, seed: SEED });
    },
  );
}

function isThere(extractor: Extractor): boolean {
  try {
    execFileSync((EXTRACTORS[extractor].split(' ') as [string])[0], ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
