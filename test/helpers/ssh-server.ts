import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { freePort, probePort, startDaemon } from './daemon.js';
import { runCommand } from './run-command.js';

/** An OpenSSH server on 127.0.0.1 with a host key, a configuration and users' keys of its own. */
export interface SshServer {
  readonly port: number;
  readonly user: string;
  /**
   * A `PATH` where `ssh` runs the client with the test's own configuration. The client itself would read the
   * configuration in the user's home, wherever `HOME` points.
   */
  clientPath(client: SshClient): Promise<string>;
  /** Process IDs of the clients started, in order. */
  clients(): Promise<number[]>;
  stop(): Promise<void>;
}

export interface SshClient {
  /** Default: true. */
  readonly isKnownHost?: boolean;
  /** Default: true. */
  readonly isKnownUser?: boolean;
  /** Lines of its configuration. */
  readonly options?: readonly string[];
}

/** @param dockerHost the engine that `docker` finds there by default */
export async function startSshServer(dockerHost: string): Promise<SshServer> {
  const port = await freePort();
  const { folder, stop } = await startDaemon(async (place) => {
    for (const key of ['host', 'user', 'stranger']) {
      await runCommand('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${place}/${key}`]);
    }
    const configuration = [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${place}/host`,
      `AuthorizedKeysFile ${place}/user.pub`,
      `PidFile ${place}/sshd.pid`,
      `SetEnv DOCKER_HOST=${dockerHost}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
    ];
    await writeFile(`${place}/sshd_config`, configuration.join('\n'));
    await mkdir('/run/sshd', { recursive: true, mode: 0o755 }); // systemd creates it where it runs
    return {
      command: '/usr/sbin/sshd',
      args: ['-D', '-e', '-f', `${place}/sshd_config`],
      probe: () => probePort(port),
    };
  });

  const clientPath = async ({ isKnownHost = true, isKnownUser = true, options = [] }: SshClient) => {
    const place = await mkdtemp(`${folder}/client-`);
    const [type, key] = (await readFile(`${folder}/host.pub`, 'utf8')).split(' ');
    await writeFile(`${place}/known_hosts`, isKnownHost ? `[127.0.0.1]:${port} ${type} ${key}\n` : '');
    const configuration = [
      ...['BatchMode yes', 'IdentitiesOnly yes', 'GlobalKnownHostsFile /dev/null'],
      `UserKnownHostsFile ${place}/known_hosts`,
      `IdentityFile ${folder}/${isKnownUser ? 'user' : 'stranger'}`,
      ...options,
    ];
    await writeFile(`${place}/config`, configuration.join('\n'));
    const ssh = (await runCommand('bash', ['-c', 'command -v ssh'])).stdout.toString().trim();
    const script = `#!/bin/sh\necho $$ >> ${folder}/clients\nexec ${ssh} -F ${place}/config "$@"\n`;
    await writeFile(`${place}/ssh`, script);
    await chmod(`${place}/ssh`, 0o755);
    return `${place}:${process.env.PATH}`;
  };

  const clients = async () => (await readFile(`${folder}/clients`, 'utf8')).trim().split('\n').map(Number);
  return { port, user: userInfo().username, clientPath, clients, stop };
}
