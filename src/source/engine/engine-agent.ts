import { Agent } from 'node:http';
import { connect as connectSocket, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Endpoint } from './endpoint.js';
import { SshConnection } from './ssh-connection.js';

/** Makes the connections to one engine, and keeps those that are idle for the next request. */
export class EngineAgent extends Agent {
  readonly #endpoint: Endpoint;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #sshConnections = new Set<SshConnection>();

  constructor(endpoint: Endpoint, env: Readonly<Record<string, string | undefined>>) {
    super({ keepAlive: true });
    this.#endpoint = endpoint;
    this.#env = env;
  }

  override createConnection(): Duplex {
    const endpoint = this.#endpoint;
    if (endpoint.kind === 'unix') return connectSocket(endpoint.path);
    if (endpoint.kind === 'ssh') return this.#connectSsh(new SshConnection(endpoint, this.#env));
    const { host, port, tls } = endpoint;
    if (!tls) return connectSocket(port, host);
    const { ca, cert, key, verify } = tls;
    return connectTls({
      ...{ host, port, ca, cert, key, minVersion: 'TLSv1.2', rejectUnauthorized: verify },
      ...(isIP(host) === 0 && { servername: host }),
    });
  }

  #connectSsh(connection: SshConnection): SshConnection {
    this.#sshConnections.add(connection);
    connection.ended.then(() => this.#sshConnections.delete(connection));
    return connection;
  }

  /** Ends every connection, busy ones too; resolves when no program is left. */
  async close(): Promise<void> {
    this.destroy();
    for (const connection of this.#sshConnections) connection.destroy();
    await Promise.all([...this.#sshConnections].map((connection) => connection.ended));
  }
}
