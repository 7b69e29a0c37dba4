import { type Certificates, makeCertificates } from './certificates.js';
import { freePort } from './daemon.js';
import { type DockerEngine, type Storage, startDockerEngine } from './docker-engine.js';

/** A Docker Engine of our own that listens on 127.0.0.1 only, requiring certificates there, and on a socket. */
export interface TlsDockerEngine extends DockerEngine {
  readonly port: number;
  /** For `DOCKER_HOST`, without certificates. */
  readonly socketHost: string;
  readonly certificates: Certificates;
}

export async function startTlsDockerEngine(storage: Storage = 'vfs'): Promise<TlsDockerEngine> {
  const port = await freePort();
  let certificates: Certificates = { server: '', client: '' };
  let socketHost = '';
  const engine = await startDockerEngine(storage, async (folder) => {
    certificates = await makeCertificates(folder);
    socketHost = `unix://${folder}/socket`;
    const { server, client } = certificates;
    const files = [
      '--tlscacert',
      `${server}/ca.pem`,
      '--tlscert',
      `${server}/cert.pem`,
      '--tlskey',
      `${server}/key.pem`,
    ];
    const env = tlsEnvironment(port, client);
    return { host: `tcp://127.0.0.1:${port}`, options: ['-H', socketHost, '--tlsverify', ...files], env };
  });
  return { ...engine, port, socketHost, certificates };
}

/** @param files the folder of the client's certificates */
export function tlsEnvironment(port: number, files: string): Record<string, string> {
  return { DOCKER_HOST: `tcp://127.0.0.1:${port}`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: files };
}
