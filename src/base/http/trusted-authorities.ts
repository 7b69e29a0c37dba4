import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegularFile } from '../io/regular-file.js';

type Environment = Readonly<Record<string, string | undefined>>;

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
export function certificatesIn(file: Buffer): readonly string[] {
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
