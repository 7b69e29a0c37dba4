import { createRequire } from 'node:module';

/** `dimgx X`, with the version from package.json. */
export function versionText(): string {
  const { version } = createRequire(import.meta.url)('dimgx/package.json') as { readonly version: string };
  return `dimgx ${version}\n`;
}
