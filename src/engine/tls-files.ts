import { join } from 'node:path';
import { readRegularFile } from '../base/io/regular-file.js';
import { printable } from '../base/text/printable.js';
import { DimgxError, isSystemError } from '../errors.js';

/** What a TLS connection to an engine needs; all in PEM. */
export interface TlsFiles {
  /** The only authority trusted for the engine's certificate. If missing, those that Node trusts. */
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  /** Whether the engine's certificate is checked. */
  readonly verify: boolean;
}

/**
 * Reads `ca.pem`, `cert.pem` and `key.pem` from a folder, as far as they exist. If `ca.pem` exists, no other authority
 * is trusted. Source: docker/cli, cli/context/tlsdata.go; cli/context/docker/load.go.
 *
 * @throws DIMGX_SOURCE_ENGINE_TLS when one of them cannot be read, or when only one of certificate and key exists
 */
export async function readTlsFiles(folder: string, verify: boolean): Promise<TlsFiles> {
  const read = (name: string) => readIfThere(join(folder, name));
  const [ca, cert, key] = await Promise.all([read('ca.pem'), read('cert.pem'), read('key.pem')]);
  if ((cert === undefined) === (key === undefined)) return { ca, cert, key, verify };
  const [there, missing] = cert ? ['cert.pem', 'key.pem'] : ['key.pem', 'cert.pem'];
  throw tlsError(`${printable(folder, 200)} has ${there} and no ${missing}: both are needed`);
}

/**
 * The TLS settings of the environment for connections over TCP. A non-empty `DOCKER_TLS_VERIFY` or `DOCKER_TLS`
 * requests TLS; with the latter alone, the engine's certificate is not checked. The files are in `DOCKER_CERT_PATH`, or
 * else in docker's folder.
 *
 * @throws DIMGX_SOURCE_ENGINE_TLS
 */
export async function environmentTls(
  env: Readonly<Record<string, string | undefined>>,
  configFolder: string,
): Promise<TlsFiles | undefined> {
  if (!wantsTls(env)) return undefined;
  const folder = env.DOCKER_CERT_PATH || configFolder;
  const files = await readTlsFiles(folder, Boolean(env.DOCKER_TLS_VERIFY));
  if (files.ca || !files.verify) return files;
  const place = printable(join(folder, 'ca.pem'), 200);
  throw tlsError(
    `DOCKER_TLS_VERIFY is set and there is no ${place}: put it there, or name its folder by DOCKER_CERT_PATH`,
  );
}

export function wantsTls(env: Readonly<Record<string, string | undefined>>): boolean {
  return Boolean(env.DOCKER_TLS_VERIFY || env.DOCKER_TLS);
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readRegularFile(path);
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    if (cause instanceof DimgxError) throw tlsError(cause.message, cause);
    throw tlsError(`${printable(path, 200)} cannot be read: ${printable(String(cause), 200)}`, cause);
  }
}

function tlsError(message: string, cause?: unknown): DimgxError {
  return new DimgxError('DIMGX_SOURCE_ENGINE_TLS', message, { cause });
}
