import { Agent } from 'node:http';
import { connect as connectSocket, isIP, type OnReadOpts, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { type ByteSource, streamSource } from '../base/io/byte-source.js';
import type { Environment } from '../base/io/folders.js';
import { SocketSource } from '../base/io/socket-source.js';
import type { Endpoint, SshEndpoint } from './endpoint.js';
import { SshConnection } from './ssh-connection.js';

/** A connection for one request: `duplex` to write the request to, `source` to read the answer from. */
export interface EngineConnection {
  readonly duplex: Duplex;
  readonly source: ByteSource;
}

/** Maximum length of a socket path, in bytes; Node silently truncates longer ones. Source: unix(7), sun_path. */
const MAX_SOCKET_PATH = process.platform === 'linux' ? 107 : 103;

/** Socket options; `onread` makes the socket read into a buffer of the caller's. */
interface Reading {
  readonly onread?: OnReadOpts;
}

/**
 * Maximum number of concurrent requests; others wait. Over `ssh`, each would be another login, which may prompt for a
 * password.
 */
const AT_ONCE = 8;
const AT_ONCE_BY_SSH = 1;

/** Creates the connections to one engine, and keeps idle ones for later requests. */
export class EngineAgent extends Agent {
  readonly #endpoint: Endpoint;
  readonly #env: Environment;
  readonly #sshConnections = new Set<SshConnection>();
  /** The sockets that are not kept alive. */
  readonly #sockets = new Set<Socket>();

  constructor(endpoint: Endpoint, env: Environment) {
    super({ keepAlive: true, maxSockets: endpoint.kind === 'ssh' ? AT_ONCE_BY_SSH : AT_ONCE });
    this.#endpoint = endpoint;
    this.#env = env;
  }

  override createConnection(): Duplex {
    const endpoint = this.#endpoint;
    return endpoint.kind === 'ssh' ? this.#connectSsh(endpoint) : connect(endpoint);
  }

  /** @param signal ends the connection */
  open(signal: AbortSignal | undefined): EngineConnection {
    const endpoint = this.#endpoint;
    if (endpoint.kind === 'ssh') {
      const duplex = this.#connectSsh(endpoint);
      return { duplex, source: streamSource(duplex, signal) };
    }
    // A TLS socket keeps delivering decrypted data after it is paused, so it needs separate buffers.
    const isSecure = endpoint.kind === 'tcp' && endpoint.tls !== undefined;
    const reused = isSecure ? undefined : new SocketSource((reading) => connect(endpoint, reading), signal);
    const socket = reused?.socket ?? connect(endpoint);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return { duplex: socket, source: reused ?? streamSource(socket, signal) };
  }

  #connectSsh(endpoint: SshEndpoint): SshConnection {
    const connection = new SshConnection(endpoint, this.#env);
    this.#sshConnections.add(connection);
    connection.ended.then(() => this.#sshConnections.delete(connection));
    return connection;
  }

  /** Ends every connection, even busy ones. Resolves once no `ssh` program is left. */
  async close(): Promise<void> {
    this.destroy();
    for (const connection of [...this.#sockets, ...this.#sshConnections]) connection.destroy();
    await Promise.all([...this.#sshConnections].map((connection) => connection.ended));
  }
}

function connect(endpoint: Exclude<Endpoint, SshEndpoint>, reading: Reading = {}): Socket {
  if (endpoint.kind === 'unix') {
    const { path } = endpoint;
    if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return connectSocket({ path, ...reading });
    throw new Error(`the path of the socket is longer than the ${MAX_SOCKET_PATH} bytes that the system allows`);
  }
  const { host, port, tls } = endpoint;
  if (!tls) return connectSocket({ host, port, ...reading });
  const { ca, cert, key, verify } = tls;
  return connectTls({
    ...{ host, port, ca, cert, key, minVersion: 'TLSv1.2', rejectUnauthorized: verify },
    ...(isIP(host) === 0 && { servername: host }),
  });
}
