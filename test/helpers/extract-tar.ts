import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.js';
import { listTree, type Tree } from './tree.js';

/**
 * Extractors that are not part of this project, with options to preserve everything they can. GNU tar's warning about
 * times in the future is off: it is about the image and this machine's clock, not about the tar. No option says that
 * owners are numbers (`--numeric-owner`), because the tar has no names of them. The option that sets
 * directory times last (`--delay-directory-restore`) is left out on purpose, because the entries of a directory are
 * contiguous.
 */
export const EXTRACTORS = {
  'GNU tar': 'tar -x -p --xattrs --xattrs-include=* --warning=no-timestamp',
  bsdtar: 'bsdtar -x -p --xattrs --acls',
} as const;

/** In another locale bsdtar warns about every name that is not ASCII. */
const UTF_8 = { LC_ALL: 'C.UTF-8' };

export type Extractor = keyof typeof EXTRACTORS;

export interface Extracted {
  readonly tree: Tree;
  /** The program's messages; empty if the tar is correct. */
  readonly stderr: string;
}

/** Extracts a tar into a temporary folder, lists the result, and removes it. */
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
