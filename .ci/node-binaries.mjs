import { execFile } from 'node:child_process';
import { access, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The lines that dimgx is to run on. */
export const NODE_LINES = ['20', '22', '24'];

/**
 * A Node of another line, out of the npm registry: once for a machine, in a folder of the system's temporary one. Nothing of it
 * is run to install it.
 *
 * @param {string} line such as `22`
 * @returns {Promise<string>} where the program is
 * @throws where there is none for this platform, or no registry
 */
export async function nodeBinary(line) {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(process.env.DIMGX_NODES ?? join(tmpdir(), 'dimgx-nodes'), line);
  const program = join(folder, 'node_modules', name, 'bin', 'node');
  const isThere = await access(program).then(
    () => true,
    () => false,
  );
  if (isThere) return program;
  await mkdir(folder, { recursive: true });
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  await run('npm', ['install', ...options, '--prefix', folder, `${name}@${line}`]);
  await access(program);
  return program;
}
