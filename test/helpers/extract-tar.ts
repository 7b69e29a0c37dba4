import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.js';
import { listTree, type Tree } from './tree.js';

/** Programs that this project did not write, each told to keep everything that it can. */
export const EXTRACTORS = {
  'GNU tar': (tar: string) => ['tar', '-x', '-p', '--xattrs', '--xattrs-include=*', '--numeric-owner', '-f', tar],
  bsdtar: (tar: string) => ['bsdtar', '-x', '-p', '--xattrs', '--acls', '--numeric-owner', '-f', tar],
} as const;

export type Extractor = keyof typeof EXTRACTORS;

export interface Extracted {
  readonly tree: Tree;
  /** What the program had to say; nothing, when the tar is right. */
  readonly stderr: string;
}

/** Extracts a tar below a temporary folder, lists what came out, and removes it. */
export async function extractTar(extractor: Extractor, tar: string, folder: string): Promise<Extracted> {
  const target = join(folder, 'extracted');
  await mkdir(target);
  const [command = '', ...args] = EXTRACTORS[extractor](tar);
  try {
    const { stderr } = await runCommand(command, args, { cwd: target });
    return { tree: await listTree(target), stderr };
  } finally {
    await rm(target, { recursive: true });
  }
}
