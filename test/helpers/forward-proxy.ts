import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { listen } from './registry-proxy.js';

/**
 * A proxy as companies have them. Every name is this machine to it. Gone when the test is over.
 *
 * @param hosts ports on this machine by `HOST:PORT`; others lead to the port that was asked for
 */
export async function forwardProxy(
  hosts: Readonly<Record<string, string>> = {},
): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((incoming, response) => {
    const { method, headers, url = '' } = incoming;
    asked.push(`${method} ${url}`);
    const { port, pathname, search } = new URL(url);
    const outgoing = request({ host: '127.0.0.1', port, path: `${pathname}${search}`, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
  server.on('connect', ({ url = '' }, socket) => {
    asked.push(`CONNECT ${url}`);
    const tunnel = connect(Number(hosts[url] ?? url.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      tunnel.pipe(socket);
      socket.pipe(tunnel);
    });
    tunnel.on('error', () => socket.destroy());
    socket.on('error', () => tunnel.destroy());
  });
  return { url: `http://${await listen(server)}`, asked };
}
