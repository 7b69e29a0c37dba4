import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { flattenLayers } from '../helpers/flatten-layers.js';
import { temporaryFolder } from '../helpers/members.js';
import { treeOfTar } from '../helpers/read-tar.js';
import { type Ignore, treeDifferences } from '../helpers/tree-differences.js';
import { RUNS, SEED } from './bounds.js';
import { OverlayModel, openDirectories, overlayTree } from './overlay-judge.js';
import { randomStack, withoutRefused } from './random-stack.js';

test.skipIf(!canMount())(
  'random stacks flatten to what the kernel shows of their layers in an overlay (needs root on Linux)',
  { timeout: 0 },
  async () => {
    const folder = await temporaryFolder();
    const property = fc.asyncProperty(randomStack, async (random) => {
      const stack = withoutRefused(random, () => new OverlayModel());
      const expected = await overlayTree(stack, folder);
      const { tar } = await flattenLayers(stack);
      const actual = new Map([...treeOfTar(tar)].filter(([path]) => path !== '.'));
      const open = openDirectories(stack);
      const ignore: Ignore = (path, field) => open.has(path) && ['mode', 'owner', 'mtime', 'xattrs'].includes(field);
      expect(treeDifferences(new Map([...expected].filter(([path]) => path !== '.')), actual, ignore)).toEqual([]);
    });
    await fc.assert(property, { numRuns: RUNS / 5, seed: SEED });
  },
);

function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'dimgx-test-'));
  try {
    for (const name of ['a', 'b', 'm']) mkdirSync(join(folder, name));
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', 'ro,lowerdir=a:b', join(folder, 'm')], {
      cwd: folder,
      stdio: 'ignore',
    });
    execFileSync('umount', [join(folder, 'm')]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
