import { throwIfAborted, type Warn } from '../../errors.js';
import { printable, quoted } from '../../image/printable.js';
import { repositoryOf } from '../../reference/image-name.js';
import { type AuthFile, type AuthFileKind, authFiles, entryCredentials, readAuthFile } from './auth-file.js';
import { askHelper } from './credential-helper.js';
import type { Credentials } from './credentials.js';
import { matchingKey, serverOf } from './server-key.js';

export interface FoundCredentials {
  readonly credentials: Credentials;
  /** The file that they are from, or that names the program; printable. */
  readonly origin: string;
}

export interface CredentialsRequest {
  /** Of an image, as docker reads names. */
  readonly name: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whose files go before the other's. */
  readonly first: AuthFileKind;
  /** Is told of files and programs that give none, and are passed over. */
  readonly warn: Warn;
  readonly signal?: AbortSignal | undefined;
  /** For a program, in milliseconds. */
  readonly timeout?: number | undefined;
}

/** Programs may ask the user for something. */
const TIMEOUT = 60_000;

/**
 * The credentials that `docker login` or `podman login` has stored for the registry of an image. What cannot be had is
 * passed over with a warning: most images are public.
 *
 * @returns `undefined` when there are none
 * @throws DIMGX_ABORTED
 */
export async function findCredentials(request: CredentialsRequest): Promise<FoundCredentials | undefined> {
  const { name, env, first, warn, signal } = request;
  for (const path of authFiles(env, first)) {
    const origin = printable(path, 300);
    try {
      const credentials = await credentialsOf(await readAuthFile(path), request);
      if (credentials) return { credentials, origin };
    } catch (cause) {
      throwIfAborted(signal);
      const reason = printable((cause as Error).message, 300);
      const message = `no credentials for ${quoted(repositoryOf(name).registry)} can be had by ${origin}: ${reason}`;
      warn({ code: 'DIMGX_SOURCE_NO_CREDENTIALS', message, count: 1 });
    }
  }
  return undefined;
}

/** As with docker, a program that is configured for the registry is asked first, then that for all. */
async function credentialsOf(file: AuthFile, request: CredentialsRequest): Promise<Credentials | undefined> {
  const { name, env, signal, timeout = TIMEOUT } = request;
  const key = matchingKey(file.helpers.keys(), name);
  const helper = key === undefined ? file.helper : file.helpers.get(key);
  const given = helper ? await askHelper(helper, key ?? serverOf(name), { env, signal, timeout }) : undefined;
  if (given) return given;
  const entry = matchingKey(file.entries.keys(), name);
  return entry === undefined ? undefined : entryCredentials(file.entries.get(entry));
}
