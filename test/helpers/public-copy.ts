import { copyFile, link, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from './run-command.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface PublicCopy {
  /** Absolute paths, without a trailing slash. */
  readonly node: string;
  readonly bin: string;
  /** The separate modules. */
  readonly build: string;
}

/**
 * A copy of Node, the package and its dependencies in a folder that every user can enter, for tests that run as another
 * user. The clone itself may be in a folder that only its owner can enter, such as /root. The tests of a worker share
 * one copy, which is removed after the run. Do not change it.
 */
export function publicCopy(): Promise<PublicCopy> {
  copy ??= makeCopy(join(process.env.DIMGX_TEST_FOLDER as string, `copy-${process.pid}`));
  return copy;
}

let copy: Promise<PublicCopy> | undefined;

async function makeCopy(to: string): Promise<PublicCopy> {
  await mkdir(to);
  const parts = ['bin', 'build', 'dist', 'package.json', ...(await dependencies())];
  await runCommand('cp', ['-r', '--parents', ...parts, to], { cwd: ROOT });
  const node = join(to, 'node');
  await link(process.execPath, node).catch(() => copyFile(process.execPath, node));
  await runCommand('chmod', ['-R', 'a+rX', to]);
  return { node, bin: join(to, 'bin/dimgx.js'), build: join(to, 'build') };
}

/** The folders of all installed packages, except those that are only for development. */
async function dependencies(): Promise<string[]> {
  const lock: { packages: Record<string, { dev?: boolean }> } = JSON.parse(
    await readFile(join(ROOT, 'node_modules/.package-lock.json'), 'utf8'),
  );
  return Object.keys(lock.packages).filter((path) => !lock.packages[path]?.dev && !path.includes('/node_modules/'));
}
