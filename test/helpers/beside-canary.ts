import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { dockerArchive } from './docker-archive.js';
import { type Extractor, extractTar } from './extract-tar.js';
import { DIMGX } from './flatten-quietly.js';
import { temporaryFolder, writeArchive } from './members.js';
import { runCommand } from './run-command.js';
import { listTree, type Tree } from './tree.js';

/** Flattens an image, and has each extractor unpack it next to files of the host that must not change. */
export interface Canary {
  /** The folder that holds the canaries. The extractors unpack into its subfolder `extracted`. */
  readonly folder: string;
  /** @returns the tree that each extractor produced */
  extract(layers: readonly Uint8Array[]): Promise<readonly Tree[]>;
}

export const EXTRACTOR_NAMES: readonly Extractor[] = ['GNU tar', 'bsdtar'];

/** Creates the canaries: `secret`, and `extracted-not/secret`, whose folder has the target's name as a prefix. */
export async function besideCanary(): Promise<Canary> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'secret'), 'of the host');
  await mkdir(join(folder, 'extracted-not'));
  await writeFile(join(folder, 'extracted-not/secret'), 'of the host too');
  const before = await listTree(folder);
  return {
    folder,
    extract: async (layers) => {
      const work = await temporaryFolder();
      const flat = join(work, 'flat.tar');
      const image = await writeArchive(dockerArchive([{ layers }]));
      await runCommand(process.execPath, [DIMGX, '-t', flat, image]);
      const trees: Tree[] = [];
      for (const extractor of EXTRACTOR_NAMES) {
        const { tree, stderr } = await extractTar(extractor, flat, folder);
        expect(stderr, extractor).toBe('');
        trees.push(tree);
      }
      const untouched = (tree: Tree) => [...tree].filter(([path]) => path !== '.');
      expect(untouched(await listTree(folder))).toEqual(untouched(before));
      return trees;
    },
  };
}
