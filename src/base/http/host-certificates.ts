import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DimgxError, type Warn } from '../../errors.js';
import { readRegularFile } from '../io/regular-file.js';
import { isSystemError } from '../io/system-error.js';
import { configFolder, homeFolder } from '../io/user-folders.js';
import { printable } from '../text/printable.js';
import { certificatesIn } from './trusted-authorities.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Certificates for connections to one host. */
export interface HostCertificates {
  /** Trusted in addition to the usual ones; PEM. */
  readonly authorities: readonly string[];
  /** Presented to the server; PEM. */
  readonly client?: { readonly cert: Buffer; readonly key: Buffer };
}

/**
 * Reads the certificates that users install for a registry: `*.crt` are authorities, `NAME.cert` with `NAME.key` is
 * presented to the server. Uses the authorities of all folders, and the first client certificate. Unreadable files are
 * skipped with a warning. Source: containers-certs.d(5); docker's certs.d.
 *
 * @param names names of the host, with and without its port
 */
export async function hostCertificates(
  names: readonly string[],
  env: Environment,
  warn: Warn,
): Promise<HostCertificates> {
  const settings = env.XDG_CONFIG_HOME || join(homeFolder(env), '.config');
  const places = [join(settings, 'containers'), '/etc/containers', join(settings, 'docker'), '/etc/docker'];
  const folders = [...places, configFolder(env)].map((place) => join(place, 'certs.d'));
  const wanted = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  const found: HostCertificates[] = [];
  for (const folder of wanted) found.push(await certificatesOf(folder, await namesIn(folder, warn), warn));
  const client = found.find((each) => each.client)?.client;
  return { authorities: found.flatMap(({ authorities }) => authorities), ...(client && { client }) };
}

/**
 * Reads the certificates of a folder that the user named, which must exist.
 *
 * @throws DIMGX_SOURCE_REGISTRY_TLS if the folder cannot be read
 */
export async function namedCertificates(folder: string, warn: Warn): Promise<HostCertificates> {
  try {
    return await certificatesOf(folder, await readdir(folder), warn);
  } catch (failure) {
    const message = `the certificates in ${printable(folder, 300)} cannot be read: ${reasonOf(failure)}`;
    throw new DimgxError('DIMGX_SOURCE_REGISTRY_TLS', message, { cause: failure });
  }
}

async function certificatesOf(folder: string, entries: readonly string[], warn: Warn): Promise<HostCertificates> {
  const names = [...entries].sort();
  const read = async (name: string) => {
    try {
      return await readRegularFile(join(folder, name));
    } catch (failure) {
      passOver(join(folder, name), failure, warn);
      return undefined;
    }
  };
  const authorities: string[] = [];
  for (const name of names.filter((each) => each.endsWith('.crt') || each === 'ca.pem')) {
    authorities.push(...certificatesIn((await read(name)) ?? Buffer.alloc(0)));
  }
  for (const name of names.filter((each) => each.endsWith('.cert'))) {
    const [cert, key] = [await read(name), await read(name.replace(/cert$/, 'key'))];
    if (cert && key) return { authorities, client: { cert, key } };
  }
  return { authorities };
}

/** @throws DIMGX_SOURCE_REGISTRY_TLS if the file cannot be read or holds no certificate */
export async function readAuthorities(path: string): Promise<readonly string[]> {
  let reason = 'there is no certificate in it';
  try {
    const found = certificatesIn(await readRegularFile(path));
    if (found.length > 0) return found;
  } catch (failure) {
    reason = reasonOf(failure);
  }
  const message = `the certificate ${printable(path, 300)} cannot be read: ${reason}`;
  throw new DimgxError('DIMGX_SOURCE_REGISTRY_TLS', message);
}

async function namesIn(folder: string, warn: Warn): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (failure) {
    if (!isSystemError(failure, 'ENOENT', 'ENOTDIR', 'EACCES')) passOver(folder, failure, warn);
    return [];
  }
}

function passOver(path: string, failure: unknown, warn: Warn): void {
  const message = `the certificate ${printable(path, 300)} is passed over: ${reasonOf(failure)}`;
  warn({ code: 'DIMGX_SOURCE_CERTIFICATE', message, count: 1 });
}

function reasonOf(failure: unknown): string {
  return failure instanceof DimgxError ? failure.message : printable((failure as Error).message, 200);
}
