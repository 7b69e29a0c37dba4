import { createRequire } from 'node:module';

/** The version of dimgx, from package.json. */
export function dimgxVersion(): string {
  const { version } = createRequire(import.meta.url)('dimgx/package.json') as { readonly version: string };
  return version;
}
