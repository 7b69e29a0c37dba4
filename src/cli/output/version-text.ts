import { createRequire } from 'node:module';

/** `dimgx X`, as package.json has it. */
export function versionText(): string {
  const { version } = createRequire(import.meta.url)('dimgx/package.json') as { readonly version: string };
  return `dimgx ${version}\n`;
}
