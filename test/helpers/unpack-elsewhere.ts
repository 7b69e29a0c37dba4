import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from './members.js';
import { publicCopy } from './public-copy.js';
import { runCommand } from './run-command.js';

const SCRIPT = `
import { readFileSync } from 'node:fs';
const [build, tar, options] = process.argv.slice(1);
const { PassingTar } = await import(build + '/tar/passing-tar.js');
const { unpackTar } = await import(build + '/unpack/unpack-tar.js');
let unpacking;
try {
  unpacking = await unpackTar({ sources: [{ path: new Uint8Array(0), name: new Uint8Array(0) }], ...JSON.parse(options) });
  await new PassingTar(unpacking.visitor).push(readFileSync(tar));
  console.log(JSON.stringify(await unpacking.finish()));
} catch ({ code, message }) {
  await unpacking?.discard();
  console.log(JSON.stringify({ code, message }));
}`;

/** Starts a process as a user without rights. Needs root. */
export const AS_SOMEBODY: readonly string[] = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];

/**
 * Unpacks the whole of a tar in another process.
 *
 * @param command starts the process that is appended to it
 * @returns what `finish` returns, or code and message of the error
 */
export async function unpackElsewhere(
  command: readonly string[],
  tar: Uint8Array,
  options: { readonly dest: string; readonly force?: boolean },
): Promise<Readonly<Record<string, unknown>>> {
  const { node, build } = await publicCopy();
  const path = join(await temporaryFolder(), 'flat.tar');
  await writeFile(path, tar);
  await runCommand('chmod', ['-R', 'a+rX', join(path, '..')]);
  const [program = '', ...args] = [
    ...command,
    node,
    '--input-type=module',
    '-e',
    SCRIPT,
    build,
    path,
    JSON.stringify(options),
  ];
  return JSON.parse(String((await runCommand(program, args, { cwd: '/' })).stdout));
}
