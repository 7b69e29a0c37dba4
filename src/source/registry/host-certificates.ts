import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DimgxError } from '../../errors.js';
import { readRegularFile } from '../../file/regular-file.js';
import { isSystemError } from '../../file/system-error.js';
import { homeFolder } from '../../file/user-folders.js';
import { printable } from '../../image/printable.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What connections to one host are made with; all in PEM. */
export interface HostCertificates {
  /** Of authorities that are trusted beside the usual ones. */
  readonly authorities: readonly Buffer[];
  /** To show to the server. */
  readonly client?: { readonly cert: Buffer; readonly key: Buffer };
}

/**
 * Reads the certificates that are put down for a registry: `*.crt` are authorities, `NAME.cert` with `NAME.key` is shown to
 * the server. The first folder that is there counts. Source: containers-certs.d(5); docker's certs.d.
 *
 * @param host with its port, as in the names of images
 * @throws DIMGX_SOURCE_REGISTRY_TLS when a file cannot be read, or a certificate comes without its key
 */
export async function hostCertificates(host: string, env: Environment): Promise<HostCertificates> {
  const settings = env.XDG_CONFIG_HOME || join(homeFolder(env), '.config');
  const places = [join(settings, 'containers'), '/etc/containers', join(settings, 'docker'), '/etc/docker'];
  for (const place of places) {
    const folder = join(place, 'certs.d', host);
    const names = await namesIn(folder);
    if (names) return readFolder(folder, names);
  }
  return { authorities: [] };
}

/** @throws DIMGX_SOURCE_REGISTRY_TLS */
export async function readCertificate(path: string): Promise<Buffer> {
  try {
    return await readRegularFile(path);
  } catch (cause) {
    const reason = cause instanceof DimgxError ? cause.message : printable(String(cause), 200);
    const message = `the certificate ${printable(path, 300)} cannot be read: ${reason}`;
    throw new DimgxError('DIMGX_SOURCE_REGISTRY_TLS', message, { cause });
  }
}

async function readFolder(folder: string, names: readonly string[]): Promise<HostCertificates> {
  const authorities = names.filter((name) => name.endsWith('.crt')).sort();
  const [cert] = names.filter((name) => name.endsWith('.cert')).sort();
  const key = cert?.replace(/cert$/, 'key');
  if (cert !== undefined && !names.includes(key as string)) {
    const message = `${printable(folder, 300)} has ${printable(cert, 100)} and no key for it: both are needed`;
    throw new DimgxError('DIMGX_SOURCE_REGISTRY_TLS', message);
  }
  const read = (name: string) => readCertificate(join(folder, name));
  return {
    authorities: await Promise.all(authorities.map(read)),
    ...(cert !== undefined && { client: { cert: await read(cert), key: await read(key as string) } }),
  };
}

async function namesIn(folder: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(folder);
  } catch (failure) {
    if (isSystemError(failure, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined;
    throw failure;
  }
}
