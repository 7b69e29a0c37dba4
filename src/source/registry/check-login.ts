import type { Warn } from '../../errors.js';
import type { RegistryOptions } from '../../options.js';
import { Authorization } from './authorization.js';
import { HttpClient } from './http-client.js';
import { originsOf, RETRIES, TIMEOUTS } from './open-repository.js';
import { registryRule } from './registries-conf.js';
import { RegistryServer } from './registry-server.js';

export interface LoginCheck extends Pick<RegistryOptions, 'caFile' | 'insecure'> {
  /** As in the names of images: `docker.io`, `HOST:PORT`. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly warn: Warn;
  readonly signal?: AbortSignal | undefined;
}

/** Of what a registry says at its top, which counts for nothing, in bytes. */
const MAX_GREETING = 2 ** 20;

/**
 * Shows credentials to a registry, where it wants to be shown any.
 *
 * @throws DIMGX_SOURCE_REGISTRY_*, DIMGX_ABORTED
 */
export async function checkLogin({ registry, username, password, env, warn, ...options }: LoginCheck): Promise<void> {
  const { caFile, signal } = options;
  const isInsecure = options.insecure ?? (await registryRule(registry, env, warn))?.insecure ?? false;
  const http = new HttpClient({ env, caFile, isInsecure: () => isInsecure, signal, timeouts: TIMEOUTS });
  const shown = { username, password, identityToken: '', registryToken: '' };
  const authorization = new Authorization({ http, isInsecure, credentials: async () => shown });
  const origins = originsOf({ registry, isInsecure });
  const server = new RegistryServer({ http, authorization, origins, isInsecure, retries: RETRIES, signal });
  try {
    await server.read({ path: '', scope: '' }, MAX_GREETING);
  } catch (failure) {
    throw await server.explain(failure, 'a login');
  } finally {
    await http.close();
  }
}
