import { printable, quoted } from '../../base/text/printable.js';
import { DimgxError, throwIfAborted, type Warn } from '../../errors.js';
import { repositoryOf } from '../../reference/image-name.js';
import { type AuthFile, type Credentials, entryCredentials } from './auth-file.js';
import { type AuthSource, type AuthSourcesRequest, authSources } from './auth-source.js';
import { askHelper, HelperFailure } from './credential-helper.js';
import { isPattern, matchingKeys, serverOf } from './server-key.js';

export interface FoundCredentials {
  readonly credentials: Credentials;
  /** The file or variable that holds them or names the helper; printable. */
  readonly origin: string;
}

export interface CredentialsRequest extends AuthSourcesRequest {
  /** An image name, as docker reads names. */
  readonly name: string;
  /** Receives a warning for each file or helper that fails and is skipped. */
  readonly warn: Warn;
  /**
   * Receives the output of a failed helper. It may contain a secret, so it is only for users who ask for more messages.
   */
  readonly inform?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For a helper, in milliseconds. */
  readonly timeout?: number | undefined;
}

/** In milliseconds. Helpers may prompt the user. */
const TIMEOUT = 60_000;

/**
 * The credentials that `docker login` or `podman login` has stored for the registry of an image. A source that fails is
 * skipped with a warning, because most images are public. A file that the user named must be readable.
 *
 * @returns `undefined` when there are none
 * @throws DIMGX_SOURCE_NOT_FOUND, DIMGX_SOURCE_UNREADABLE, DIMGX_ABORTED
 */
export async function findCredentials(request: CredentialsRequest): Promise<FoundCredentials | undefined> {
  for (const source of authSources(request)) {
    const { origin } = source;
    try {
      const credentials = await credentialsOf(await read(source), source, request);
      if (credentials) return { credentials, origin };
    } catch (cause) {
      passOver(cause, source, request);
    }
  }
  return undefined;
}

async function read(source: AuthSource): Promise<AuthFile> {
  if (!source.isNamed) return source.read();
  return source.read().catch((cause: Error) => {
    if (cause instanceof DimgxError && cause.code === 'DIMGX_CREDENTIALS_UNREADABLE') throw cause;
    const message = `the credentials file ${source.origin} cannot be read: ${printable(cause.message, 300)}`;
    throw new DimgxError('DIMGX_CREDENTIALS_UNREADABLE', message, { cause });
  });
}

/**
 * As in docker, the helper configured for the registry is asked first, or else the one for all registries; then the
 * file is searched.
 */
async function credentialsOf(
  file: AuthFile,
  source: AuthSource,
  request: CredentialsRequest,
): Promise<Credentials | undefined> {
  const { name } = request;
  const [key] = matchingKeys(file.helpers.keys(), name);
  const helper = key === undefined ? file.helper : file.helpers.get(key);
  const server = key === undefined || isPattern(key) ? serverOf(name) : key;
  const given = helper ? await askOrPassOver(helper, server, source, request) : undefined;
  if (given) return given;
  for (const entry of matchingKeys(file.entries.keys(), name)) {
    const found = entryCredentials(file.entries.get(entry));
    if (found) return found;
  }
  return undefined;
}

/** When the helper fails, the entries in the file itself still count. */
async function askOrPassOver(
  helper: string,
  server: string,
  source: AuthSource,
  request: CredentialsRequest,
): Promise<Credentials | undefined> {
  const { env, signal, timeout = TIMEOUT } = request;
  try {
    return await askHelper(helper, server, { env, signal, timeout });
  } catch (cause) {
    passOver(cause, source, request);
    return undefined;
  }
}

/** @throws DIMGX_ABORTED; the failure to read a file that the user named */
function passOver(cause: unknown, { origin }: AuthSource, { name, warn, inform, signal }: CredentialsRequest): void {
  throwIfAborted(signal);
  if (cause instanceof DimgxError && cause.code === 'DIMGX_CREDENTIALS_UNREADABLE') throw cause;
  const reason = printable((cause as Error).message, 300);
  const message = `no credentials for ${quoted(repositoryOf(name).registry)} can be read from ${origin}: ${reason}`;
  warn({ code: 'DIMGX_CREDENTIALS_SKIPPED', message, count: 1 });
  if (cause instanceof HelperFailure && cause.said !== '') inform?.(`${cause.program} reported: ${cause.said}`);
}
