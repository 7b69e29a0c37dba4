import { fileURLToPath } from 'node:url';
import { runCommand } from './run-command.js';

/** The command as its users start it; for shell scripts as well. */
export const DIMGX = fileURLToPath(new URL('../../bin/dimgx.js', import.meta.url));

/** Flattens an image to a new file by the command line. @throws when it fails, or has anything to say */
export async function flattenQuietly(reference: string, target: string): Promise<void> {
  const { stderr } = await runCommand(process.execPath, [DIMGX, '-t', target, reference]);
  if (stderr !== '') throw new Error(`dimgx said: ${stderr}`);
}
