import type { Environment } from '../../base/io/folders.js';
import { printable } from '../../base/text/printable.js';
import { DimgxError, isSystemError } from '../../errors.js';
import { type AuthFile, type AuthFileKind, dockerFile, parseAuthFile, podmanFiles, readAuthFile } from './auth-file.js';

/** A place that may hold credentials. */
export interface AuthSource {
  /** The path of a file, or the name of a variable; printable. */
  readonly origin: string;
  /** Whether the user named it. If so, it must be readable. */
  readonly isNamed: boolean;
  /** @throws an error that reveals nothing of the contents */
  read(): Promise<AuthFile>;
}

export interface AuthSourcesRequest {
  readonly env: Environment;
  /** Which program's files are searched first. */
  readonly first: AuthFileKind;
  /** If given, the only file to search. */
  readonly authFile?: string | undefined;
}

/** The variable that docker reads before its file. */
export const AUTH_VARIABLE = 'DOCKER_AUTH_CONFIG';

/** The places to search for credentials, in order. Sources: containers-auth.json(5); docker/cli, configfile. */
export function authSources({ env, first, authFile }: AuthSourcesRequest): readonly AuthSource[] {
  if (authFile !== undefined) return [namedSource(authFile)];
  const docker = [...variableSource(env[AUTH_VARIABLE]), authFileSource(dockerFile(env))];
  const podman = podmanFiles(env).map(authFileSource);
  return first === 'docker' ? [...docker, ...podman] : [...podman, ...docker];
}

function authFileSource(path: string): AuthSource {
  return { origin: printable(path, 300), isNamed: false, read: () => readAuthFile(path) };
}

function namedSource(path: string): AuthSource {
  const { origin } = authFileSource(path);
  const read = async () => {
    const { access } = await import('node:fs/promises');
    await access(path).catch((cause: unknown) => {
      if (!isSystemError(cause, 'ENOENT', 'ENOTDIR')) return;
      throw new DimgxError('DIMGX_CREDENTIALS_UNREADABLE', `the credentials file ${origin} does not exist`, { cause });
    });
    return readAuthFile(path);
  };
  return { origin, isNamed: true, read };
}

function variableSource(text: string | undefined): readonly AuthSource[] {
  const origin = `$${AUTH_VARIABLE}`;
  return text ? [{ origin, isNamed: false, read: async () => parseAuthFile(text, origin) }] : [];
}
