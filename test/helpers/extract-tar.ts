import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.js';
import { listTree, type Tree } from './tree.js';

/**
 * Programs that this project did not write, each told to keep everything that it can. GNU tar is told not to speak of
 * times that this machine's clock has not reached: that is about the image and the clock, not about the tar. It is not
 * told to set the times of directories last (`--delay-directory-restore`): what stands in a directory stands together.
 */
export const EXTRACTORS = {
  'GNU tar': 'tar -x -p --xattrs --xattrs-include=* --numeric-owner --warning=no-timestamp',
  bsdtar: 'bsdtar -x -p --xattrs --acls --numeric-owner',
} as const;

/** In another locale bsdtar speaks of every name that is not ASCII. */
const UTF_8 = { LC_ALL: 'C.UTF-8' };

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
  const [command = '', ...args] = EXTRACTORS[extractor].split(' ');
  try {
    const { stderr } = await runCommand(command, [...args, '-f', tar], { cwd: target, env: UTF_8 });
    return { tree: await listTree(target), stderr };
  } finally {
    await rm(target, { recursive: true });
  }
}
