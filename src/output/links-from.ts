import { lstat, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MAX_SYMLINKS } from '../base/limits.js';

/**
 * A path followed by each path that its symlinks lead to. The last one is not a symlink and need not exist. Folders are
 * resolved as the operating system does: `..` of a symlinked folder is the parent of the folder it points at.
 *
 * @throws the operating system's error: ENOENT if a folder is missing, ELOOP
 */
export async function linksFrom(path: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for (let next = path.startsWith('/') ? path : `${process.cwd()}/${path}`; paths.length <= MAX_SYMLINKS; ) {
    const here = join(await realpath(dirname(next)), basename(next));
    paths.push(here);
    const found = await lstat(here).catch(absent);
    if (!found?.isSymbolicLink()) return paths;
    const link = await readlink(here);
    next = link.startsWith('/') ? link : `${dirname(here)}/${link}`;
  }
  throw Object.assign(new Error('ELOOP: too many symbolic links'), { code: 'ELOOP' });
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
