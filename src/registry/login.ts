import { withCall } from '../base/call/call.js';
import { checkOptions, requireThat } from '../check-options.js';
import { DimgxError, type Warn, type Warning } from '../errors.js';
import type { CommonOptions, RegistryCredentials, RegistryOptions } from '../options.js';
import { parseRegistryHost } from '../reference/image-name.js';
import { checkLogin } from './check-login.js';
import { AUTH_VARIABLE } from './credentials/auth-source.js';
import { findCredentials } from './credentials/find-credentials.js';
import { removeLogin, storeLogin } from './credentials/login.js';
import { type RemovedLogin, removeAllLogins } from './credentials/remove-all-logins.js';

/** Options of `logout` and `logoutAll`. */
export interface LogoutOptions extends Pick<CommonOptions, 'signal' | 'onWarning'>, Pick<RegistryOptions, 'authFile'> {}

/** Options of `login`. `authFile` is the file to store the credentials in. */
export interface LoginOptions
  extends LogoutOptions,
    Pick<CommonOptions, 'onInfo'>,
    Pick<RegistryOptions, 'caFile' | 'certDir' | 'insecure' | 'plainHttp' | 'retry'> {}

/** Where `login` stored the credentials. */
export interface LoginResult {
  /** As in image names: `docker.io`, `HOST:PORT`. */
  readonly registry: string;
  readonly username: string;
  /** Path of the file that has the credentials, or that names the helper that has them. */
  readonly path: string;
  /** The helper that has them: `NAME` of the program `docker-credential-NAME`. */
  readonly helper?: string;
}

/** What `logout` removed. */
export interface LogoutResult {
  /** As in image names: `docker.io`, `HOST:PORT`. */
  readonly registry: string;
  /** Empty if there were no credentials. */
  readonly removed: readonly RemovedLogin[];
}

/** What `logoutAll` removed. */
export interface LogoutAllResult {
  readonly removed: readonly RemovedLogin[];
  /** One for each place that could not be read or changed. */
  readonly failures: readonly DimgxError[];
}

/**
 * Checks credentials with a registry, and stores them where `docker login` or `podman login` would store them. Warns
 * with DIMGX_CREDENTIALS_SHADOWED if other credentials for the registry are found before these.
 *
 * @param registry `HOST[:PORT]`; `docker.io` is Docker Hub
 * @throws DIMGX_OPTION_INVALID, DIMGX_REFERENCE_INVALID, DIMGX_REGISTRY_*,
 *   DIMGX_CREDENTIALS_UNWRITABLE, DIMGX_CALLBACK_FAILED, DIMGX_ABORTED
 */
export async function login(
  registry: string,
  credentials: RegistryCredentials,
  options: LoginOptions = {},
): Promise<LoginResult> {
  const host = parseRegistryHost(registry);
  checkCredentials(credentials);
  checkOptions(options);
  const { username, password } = credentials;
  return withCall(options, async ({ authFile, signal, onWarning, onInfo: inform, ...settings }) => {
    const warn = (warning: Warning) => onWarning?.(warning);
    await checkLogin({ ...settings, registry: host, username, password, warn, inform, signal });
    const request = { registry: host, authFile, env: process.env, signal };
    const { path, helper } = await storeLogin({ username, password }, request);
    if (authFile === undefined) await warnOfOthers(host, { username, password }, { warn, signal });
    return { registry: host, username, path, ...(helper !== undefined && { helper }) };
  });
}

/**
 * Removes the stored credentials for a registry, whether docker, podman or dimgx stored them. Warns with
 * DIMGX_CREDENTIALS_SHADOWED if `DOCKER_AUTH_CONFIG` is set, because it may still hold credentials.
 *
 * @param registry `HOST[:PORT]`; `docker.io` is Docker Hub
 * @throws DIMGX_OPTION_INVALID, DIMGX_REFERENCE_INVALID, DIMGX_CREDENTIALS_UNWRITABLE, DIMGX_CALLBACK_FAILED,
 *   DIMGX_ABORTED
 */
export async function logout(registry: string, options: LogoutOptions = {}): Promise<LogoutResult> {
  const host = parseRegistryHost(registry);
  checkOptions(options);
  return withCall(options, async ({ authFile, signal, onWarning }) => {
    const paths = await removeLogin({ registry: host, authFile, env: process.env, signal });
    warnOfVariable(authFile, onWarning);
    return { registry: host, removed: paths.map((path) => ({ key: host, path })) };
  });
}

/**
 * Removes the stored credentials for all registries. A failure in one place does not stop the others from being
 * emptied. Warns as `logout`.
 *
 * @throws DIMGX_OPTION_INVALID, DIMGX_CALLBACK_FAILED, DIMGX_ABORTED
 */
export async function logoutAll(options: LogoutOptions = {}): Promise<LogoutAllResult> {
  checkOptions(options);
  return withCall(options, async ({ authFile, signal, onWarning }) => {
    const result = await removeAllLogins({ authFile, env: process.env, signal });
    warnOfVariable(authFile, onWarning);
    return result;
  });
}

/** The error does not reveal the password. @throws DIMGX_OPTION_INVALID */
function checkCredentials(credentials: RegistryCredentials): void {
  const { username, password } = credentials ?? {};
  const isName = typeof username === 'string' && username !== '' && !username.includes(':');
  requireThat(isName, 'the user name', 'a string that is not empty and has no colon', username);
  if (typeof password === 'string' && password !== '') return;
  throw new DimgxError('DIMGX_OPTION_INVALID', 'the password must be a string that is not empty');
}

/**
 * Warns if a lookup finds other credentials than those just stored: another file may take precedence, or a credential
 * helper may have stored something else.
 */
async function warnOfOthers(
  registry: string,
  stored: RegistryCredentials,
  { warn, signal }: { readonly warn: Warn; readonly signal: AbortSignal },
): Promise<void> {
  const found = await findCredentials({ name: `${registry}/x`, env: process.env, first: 'docker', warn, signal });
  const isSame = found?.credentials.username === stored.username && found.credentials.password === stored.password;
  if (isSame) return;
  const what = found
    ? `other credentials for ${registry} take precedence, from ${found.origin}`
    : 'the stored credentials are not found again';
  const advice = found?.origin === `$${AUTH_VARIABLE}` ? 'unset it' : `log out of ${registry} to remove all`;
  warn({ code: 'DIMGX_CREDENTIALS_SHADOWED', message: `${what}: ${advice}`, count: 1 });
}

/** dimgx cannot change an environment variable for the user; it can only warn. */
function warnOfVariable(authFile: string | undefined, warn: Warn | undefined): void {
  if (authFile !== undefined || !process.env[AUTH_VARIABLE]) return;
  const message = `$${AUTH_VARIABLE} may still hold credentials, which take precedence over those in files: unset it`;
  warn?.({ code: 'DIMGX_CREDENTIALS_SHADOWED', message, count: 1 });
}
