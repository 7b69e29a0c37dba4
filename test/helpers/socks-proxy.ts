import { connect, createServer } from 'node:net';
import { listen } from './registry-proxy.js';

/** A SOCKS5 proxy (RFC 1928) that forwards everything to one port of this machine. Closed when the test is over. */
export async function socksProxy(port: string): Promise<{ readonly host: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => {
      socket.write(Buffer.from([5, 0]));
      socket.once('data', (wanted: Buffer) => {
        const length = wanted[4] ?? 0;
        asked.push(`${wanted.subarray(5, 5 + length)}:${wanted.readUInt16BE(5 + length)}`);
        const tunnel = connect(Number(port), '127.0.0.1', () => {
          socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]));
          tunnel.pipe(socket);
          socket.pipe(tunnel);
        });
        tunnel.on('error', () => socket.destroy());
      });
    });
  });
  return { host: await listen(server), asked };
}
