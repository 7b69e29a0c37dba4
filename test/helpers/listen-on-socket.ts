import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './members.js';

/**
 * Makes a server listen on a socket.
 *
 * @param path default: a new one
 * @returns its `unix://…`; it is closed when the test is over
 */
export async function listenOnSocket(server: Server, path?: string): Promise<string> {
  const socketPath = path ?? join(await temporaryFolder(), 'socket');
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `unix://${socketPath}`;
}
