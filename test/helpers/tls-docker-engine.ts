import { type Certificates, makeCertificates } from './certificates.js';
import { freePort, startDaemon } from './daemon.js';
import { runCommand } from './run-command.js';

/** A Docker Engine of our own that listens on 127.0.0.1 alone, and wants certificates. */
export interface TlsDockerEngine {
  readonly port: number;
  readonly certificates: Certificates;
  stop(): Promise<void>;
}

export async function startTlsDockerEngine(): Promise<TlsDockerEngine> {
  const port = await freePort();
  let certificates: Certificates = { server: '', client: '' };
  const { stop } = await startDaemon(async (folder) => {
    certificates = await makeCertificates(folder);
    const { server } = certificates;
    const places = ['--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`, '--pidfile', `${folder}/pid`];
    const plain = ['--iptables=false', '--ip6tables=false', '--bridge=none', '--storage-driver=vfs'];
    const files = [
      '--tlscacert',
      `${server}/ca.pem`,
      '--tlscert',
      `${server}/cert.pem`,
      '--tlskey',
      `${server}/key.pem`,
    ];
    return {
      command: 'dockerd',
      args: [...places, ...plain, '--tlsverify', ...files, '-H', `tcp://127.0.0.1:${port}`],
      probe: () => runCommand('docker', ['version'], { env: tlsEnvironment(port, certificates.client) }),
    };
  });
  return { port, certificates, stop };
}

/** @param files the folder of the client's certificates */
export function tlsEnvironment(port: number, files: string): Record<string, string> {
  return { DOCKER_HOST: `tcp://127.0.0.1:${port}`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: files };
}
