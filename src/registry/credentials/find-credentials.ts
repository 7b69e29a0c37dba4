import { printable, quoted } from '../../base/text/printable.js';
import { DimgxError, throwIfAborted, type Warn } from '../../errors.js';
import { repositoryOf } from '../../reference/image-name.js';
import { type AuthFile, entryCredentials } from './auth-file.js';
import { type AuthSource, type AuthSourcesRequest, authSources } from './auth-source.js';
import { askHelper, HelperFailure } from './credential-helper.js';
import type { Credentials } from './credentials.js';
import { isPattern } from './host-pattern.js';
import { matchingKeys, serverOf } from './server-key.js';

export interface FoundCredentials {
  readonly credentials: Credentials;
  /** The file or variable that they are from, or that names the program; printable. */
  readonly origin: string;
}

export interface CredentialsRequest extends AuthSourcesRequest {
  /** Of an image, as docker reads names. */
  readonly name: string;
  /** Is told of files and programs that give none, and are passed over. */
  readonly warn: Warn;
  /** Takes what a program said when it failed: it may be a secret, so it is for users who ask for more messages. */
  readonly inform?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For a program, in milliseconds. */
  readonly timeout?: number | undefined;
}

/** Programs may ask the user for something. */
const TIMEOUT = 60_000;

/**
 * The credentials that `docker login` or `podman login` has stored for the registry of an image. What cannot be had is
 * passed over with a warning: most images are public. A file that the user named must be readable.
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
    if (cause instanceof DimgxError && cause.code === 'DIMGX_SOURCE_NOT_FOUND') throw cause;
    const message = `the file of credentials ${source.origin} cannot be read: ${printable(cause.message, 300)}`;
    throw new DimgxError('DIMGX_SOURCE_UNREADABLE', message, { cause });
  });
}

/** As with docker, a program that is configured for the registry is asked first, or else that for all; then the file. */
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

/** What the file itself holds still counts when its program fails. */
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

/** @throws DIMGX_ABORTED; what is wrong with a file that the user named */
function passOver(cause: unknown, { origin }: AuthSource, { name, warn, inform, signal }: CredentialsRequest): void {
  throwIfAborted(signal);
  if (cause instanceof DimgxError && NAMED_FILE.includes(cause.code)) throw cause;
  const reason = printable((cause as Error).message, 300);
  const message = `no credentials for ${quoted(repositoryOf(name).registry)} can be had by ${origin}: ${reason}`;
  warn({ code: 'DIMGX_SOURCE_NO_CREDENTIALS', message, count: 1 });
  if (cause instanceof HelperFailure && cause.said !== '') inform?.(`${cause.program} said: ${cause.said}`);
}

const NAMED_FILE: readonly string[] = ['DIMGX_SOURCE_NOT_FOUND', 'DIMGX_SOURCE_UNREADABLE'];
