import type { RegistryOptions } from '../../options.js';
import { defined } from './defined.js';
import { OPTION_TABLE } from './option-table.js';
import { parseCount } from './parse-number.js';
import type { Given } from './read-options.js';
import { usageError } from './usage-error.js';

const { creds, authfile, mirror, jobs, 'ca-file': caFile, insecure, 'allow-foreign-layers': foreign } = OPTION_TABLE;
const { 'cert-dir': certDir, 'plain-http': plainHttp, retry } = OPTION_TABLE;

/** The options that say how to reach registries, for commands that only query them. */
export const REGISTRY_OPTIONS = {
  creds: { ...creds, group: 'Options:' },
  authfile: { ...authfile, group: 'Options:' },
  'ca-file': { ...caFile, group: 'Options:' },
  'cert-dir': { ...certDir, group: 'Options:' },
  insecure: { ...insecure, group: 'Options:' },
  'plain-http': { ...plainHttp, group: 'Options:' },
  retry: { ...retry, group: 'Options:' },
} as const;

export const MIRROR_OPTION = { mirror: { ...mirror, group: 'Options:' } } as const;

/** The same and more, for commands that download. */
export const DOWNLOAD_OPTIONS = {
  ...REGISTRY_OPTIONS,
  ...MIRROR_OPTION,
  jobs: { ...jobs, group: 'Options:' },
  'allow-foreign-layers': { ...foreign, group: 'Options:' },
} as const;

/** @throws DIMGX_CLI_USAGE */
export function registrySettings(given: Partial<Given<typeof DOWNLOAD_OPTIONS>>): RegistryOptions {
  return defined({
    credentials: given.creds === undefined ? undefined : parseCredentials(given.creds),
    authFile: given.authfile,
    mirrors: given.mirror === undefined ? undefined : [given.mirror].flat(),
    jobs: given.jobs === undefined ? undefined : parseCount('--jobs', given.jobs, 1, 64),
    caFile: given['ca-file'],
    certDir: given['cert-dir'],
    insecure: given.insecure,
    plainHttp: given['plain-http'],
    retry: given.retry === undefined ? undefined : parseCount('--retry', given.retry, 0, 100),
    allowForeignLayers: given['allow-foreign-layers'],
  });
}

/** The error message must not reveal the password. */
function parseCredentials(text: string) {
  const colon = text.indexOf(':');
  if (colon < 1) throw usageError('--creds wants USER:PASSWORD');
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
