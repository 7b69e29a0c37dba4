import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSocketServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** What an engine answers, by path without the version of the API; else 404. */
export type Answers = Readonly<Record<string, unknown | Answer>>;

const VERSION = { ApiVersion: '1.41', MinAPIVersion: '1.12' };

/**
 * An HTTP server that passes for an engine, and does what no real one does when asked to: documents are answered as
 * JSON, functions as they like.
 *
 * @returns its `unix://…`; it is gone when the test is over
 */
export async function fakeEngine(answers: Answers): Promise<string> {
  const all: Answers = { '/version': VERSION, ...answers };
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/^\/v\d+\.\d+(?=\/)/, '').replace(/\?.*/, '');
    const answer = all[path];
    if (typeof answer === 'function') answer(request, response);
    else if (answer === undefined) response.writeHead(404).end('{"message":"no such image"}');
    else response.end(JSON.stringify(answer));
  });
  return await listen(server);
}

/** A server that does as it likes with each connection. @returns its `unix://…`; it is gone when the test is over */
export async function rawServer(serve: (socket: Socket) => void): Promise<string> {
  return await listen(
    createSocketServer((socket) => {
      socket.on('error', () => undefined);
      serve(socket);
    }),
  );
}

async function listen(server: Server): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dimgx-fake-'));
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  });
  return `unix://${folder}/socket`;
}
