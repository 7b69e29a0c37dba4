import { fileURLToPath } from 'node:url';
import { runCommand } from './run-command.js';

/** The command as users start it; also for shell scripts. */
export const DIMGX = fileURLToPath(new URL('../../bin/dimgx.js', import.meta.url));

/** Flattens an image to a new file with the command line. @throws if it fails, or prints any message */
export async function flattenQuietly(reference: string, target: string): Promise<void> {
  const { stderr } = await runCommand(process.execPath, [DIMGX, '-t', target, reference]);
  if (stderr !== '') throw new Error(`dimgx said: ${stderr}`);
}
