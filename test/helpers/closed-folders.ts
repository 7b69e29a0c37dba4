import { onTestFinished } from 'vitest';
import { temporaryFolder } from './members.js';
import { runCommand } from './run-command.js';

/** A temporary folder for copies with folders that not even their owner may change. */
export async function placeForClosedFolders(): Promise<string> {
  const folder = await temporaryFolder();
  onTestFinished(async () => void (await runCommand('chmod', ['-R', 'u+rwx', folder]).catch(() => undefined)));
  return folder;
}
