import { readFile } from 'node:fs/promises';

/** `dimgx X`, as package.json has it. */
export async function versionText(): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  return `dimgx ${version}\n`;
}
