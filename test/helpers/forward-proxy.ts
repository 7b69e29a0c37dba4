import { createServer, type RequestListener, request } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import { listen } from './registry-proxy.js';

export interface ForwardProxyOptions {
  /** Status of its answer to every request. Default: the servers' answers. */
  readonly status?: number;
  /** Certificate and key, if it is reached over TLS. Default: plain HTTP. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
}

export interface ForwardProxy {
  readonly url: string;
  readonly asked: string[];
  /** The credentials sent with requests for a tunnel. */
  readonly shown: string[];
}

/**
 * A forward proxy as in company networks. It resolves every name to this machine. Closed when the test is over.
 *
 * @param hosts ports on this machine by `HOST:PORT`; other hosts use the port requested
 */
export async function forwardProxy(
  hosts: Readonly<Record<string, string>> = {},
  { status, tls }: ForwardProxyOptions = {},
): Promise<ForwardProxy> {
  const asked: string[] = [];
  const shown: string[] = [];
  const pass: RequestListener = (incoming, response) => {
    const { method, headers, url = '' } = incoming;
    asked.push(`${method} ${url}`);
    if (status !== undefined) {
      response.writeHead(status).end();
      return;
    }
    const { port, pathname, search } = new URL(url);
    const outgoing = request({ host: '127.0.0.1', port, path: `${pathname}${search}`, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  };
  const server = tls ? createTlsServer(tls, pass) : createServer(pass);
  server.on('connect', ({ url = '', headers }, socket) => {
    asked.push(`CONNECT ${url}`);
    shown.push(headers['proxy-authorization'] ?? '');
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const tunnel = connect(Number(hosts[url] ?? url.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      tunnel.pipe(socket);
      socket.pipe(tunnel);
    });
    tunnel.on('error', () => socket.destroy());
    socket.on('error', () => tunnel.destroy());
  });
  return { url: `${tls ? 'https' : 'http'}://${await listen(server)}`, asked, shown };
}
