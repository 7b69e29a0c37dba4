import { copyFile, link, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './members.js';
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
 * Copies Node, the package and its dependencies to a folder that every user can enter, for tests that run as another
 * user. The clone itself may be in a folder that only its owner can enter, such as /root.
 *
 * @param folder default: one that is removed when the test is over
 */
export async function publicCopy(folder?: string): Promise<PublicCopy> {
  const to = folder ?? (await temporaryFolder());
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
