import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSocketServer, type Socket } from 'node:net';
import { listenOnSocket } from './listen-on-socket.js';

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
  return await listenOnSocket(server);
}

/** A server that does as it likes with each connection. @returns its `unix://…`; it is gone when the test is over */
export async function rawServer(serve: (socket: Socket) => void): Promise<string> {
  return await listenOnSocket(
    createSocketServer((socket) => {
      socket.on('error', () => undefined);
      serve(socket);
    }),
  );
}
