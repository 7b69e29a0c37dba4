import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSocketServer, type Socket } from 'node:net';
import { listenOnSocket } from './listen-on-socket.js';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** The engine's answers, by path without the API version; any other path gets 404. */
export type Answers = Readonly<Record<string, unknown | Answer>>;

const VERSION = { ApiVersion: '1.41', MinAPIVersion: '1.12' };

/**
 * An HTTP server that poses as an engine and can do things that no real engine does. Documents are answered as JSON;
 * functions answer as they like.
 *
 * @returns its `unix://…`; it is closed when the test is over
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

/** A server that handles each connection in any way. @returns its `unix://…`; it is closed when the test is over */
export async function rawServer(serve: (socket: Socket) => void): Promise<string> {
  return await listenOnSocket(
    createSocketServer((socket) => {
      socket.on('error', () => undefined);
      serve(socket);
    }),
  );
}
