import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.js';

/** Folders of certificates, named as docker expects: `ca.pem`, `cert.pem` and `key.pem`. */
export interface Certificates {
  /** For a server on 127.0.0.1, but not on `localhost`. */
  readonly server: string;
  readonly client: string;
}

/** Creates an authority with openssl, and a certificate for a server and one for a client. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const [server, client] = [join(folder, 'server'), join(folder, 'client')];
  await openssl(folder, 'req', '-x509', ...NEW_KEY, '-keyout', 'ca.key', '-subj', '/CN=an authority', '-out', 'ca.pem');
  await makePair(server, 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n');
  await makePair(client, 'extendedKeyUsage=clientAuth\n');
  return { server, client };
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

async function makePair(place: string, extensions: string): Promise<void> {
  await mkdir(place);
  await writeFile(join(place, 'extensions'), extensions);
  await openssl(place, 'req', ...NEW_KEY, '-keyout', 'key.pem', '-subj', '/CN=somebody', '-out', 'request');
  const signing = ['-CA', '../ca.pem', '-CAkey', '../ca.key', '-CAcreateserial', '-extfile', 'extensions'];
  await openssl(place, 'x509', '-req', '-in', 'request', ...signing, '-out', 'cert.pem');
  await openssl(place, 'x509', '-in', '../ca.pem', '-out', 'ca.pem');
}

async function openssl(cwd: string, ...args: string[]): Promise<void> {
  await runCommand('openssl', args, { cwd });
}
