import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DimgxError, isSystemError, type Warn } from '../../errors.js';
import { configFolder, type Environment, homeFolder, namesIn } from '../io/folders.js';
import { readRegularFile } from '../io/regular-file.js';
import { printable, reasonOf, withoutCall } from '../text/printable.js';

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
  for (const folder of wanted) found.push(await certificatesOf(folder, await readableNames(folder, warn), warn));
  const client = found.find((each) => each.client)?.client;
  return { authorities: found.flatMap(({ authorities }) => authorities), ...(client && { client }) };
}

/**
 * Reads the certificates of a folder that the user named, which must exist.
 *
 * @throws DIMGX_REGISTRY_TLS if the folder cannot be read
 */
export async function namedCertificates(folder: string, warn: Warn): Promise<HostCertificates> {
  try {
    return await certificatesOf(folder, await readdir(folder), warn);
  } catch (failure) {
    const shown = printable(folder, 300);
    const message = isSystemError(failure, 'ENOENT')
      ? `the certificate folder ${shown} does not exist`
      : `the certificates in ${shown} cannot be read: ${readFailure(failure)}`;
    throw new DimgxError('DIMGX_REGISTRY_TLS', message, { cause: failure });
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

/** @throws DIMGX_REGISTRY_TLS if the file cannot be read or holds no certificate */
export async function readAuthorities(path: string): Promise<readonly string[]> {
  const shown = printable(path, 300);
  let message = `the certificate ${shown} cannot be read: it contains no certificate`;
  let cause: unknown;
  try {
    const found = certificatesIn(await readRegularFile(path));
    if (found.length > 0) return found;
  } catch (failure) {
    cause = failure;
    message = isSystemError(failure, 'ENOENT')
      ? `the certificate file ${shown} does not exist`
      : `the certificate ${shown} cannot be read: ${readFailure(failure)}`;
  }
  throw new DimgxError('DIMGX_REGISTRY_TLS', message, { cause });
}

async function readableNames(folder: string, warn: Warn): Promise<readonly string[]> {
  try {
    return await namesIn(folder);
  } catch (failure) {
    if (!isSystemError(failure, 'EACCES')) passOver(folder, failure, warn);
    return [];
  }
}

function passOver(path: string, failure: unknown, warn: Warn): void {
  const message = `the certificate ${printable(path, 300)} is skipped: ${readFailure(failure)}`;
  warn({ code: 'DIMGX_REGISTRY_CERTIFICATE_SKIPPED', message, count: 1 });
}

function readFailure(failure: unknown): string {
  return failure instanceof DimgxError ? failure.message : withoutCall(reasonOf(failure));
}

/**
 * Where systems keep all authorities in one file; the first one that exists is used. Source: Go, crypto/x509/root_*.go.
 */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
  '/usr/local/etc/ssl/cert.pem',
  '/usr/local/share/certs/ca-root-nss.crt',
  '/etc/openssl/certs/ca-certificates.crt',
];

/** Where systems keep each authority in its own file. */
const FOLDERS = ['/etc/ssl/certs', '/etc/pki/tls/certs', '/system/etc/security/cacerts', '/etc/openssl/certs'];

/** Authorities from the environment variables of Node and OpenSSL, as PEM. Unreadable files are skipped, as in Go. */
export async function namedAuthorities(env: Environment): Promise<readonly string[]> {
  const folders = (env.SSL_CERT_DIR ?? '').split(':').filter((folder) => folder !== '');
  const files = await Promise.all([env.SSL_CERT_FILE, env.NODE_EXTRA_CA_CERTS].map(authoritiesOf));
  return [...files.flat(), ...(await authoritiesIn(folders))];
}

/** Authorities that the system trusts, as PEM. */
export async function systemAuthorities(): Promise<readonly string[]> {
  const inFolders = await authoritiesIn(FOLDERS);
  for (const bundle of BUNDLES) {
    const found = await authoritiesOf(bundle);
    if (found.length > 0) return [...found, ...inFolders];
  }
  return inFolders;
}

/** The certificates in a file, each as PEM. A file that is not PEM is assumed to be DER. */
function certificatesIn(file: Buffer): readonly string[] {
  const text = file.toString('latin1').replaceAll('\r', '');
  const found = text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g);
  // DER begins with a SEQUENCE whose length takes two bytes
  if (found || file[0] !== 0x30 || file[1] !== 0x82) return found ?? [];
  const lines = file.toString('base64').match(/.{1,64}/g) ?? [];
  return [['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----'].join('\n')];
}

async function authoritiesIn(folders: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const folder of folders) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names) for (const each of await authoritiesOf(join(folder, name))) found.add(each);
  }
  return [...found];
}

async function authoritiesOf(path: string | undefined): Promise<readonly string[]> {
  if (!path) return [];
  return certificatesIn(await readRegularFile(path).catch(() => Buffer.alloc(0)));
}
