import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { listenOnSocket } from './listen-on-socket.js';

/** A fault in the answer to requests whose path matches a pattern. Paths do not include the API version. */
export interface Fault {
  readonly path: RegExp;
  /** Bytes of the body that pass before the fault. */
  readonly after: number;
  /**
   * `cut`: the connection is closed; `stall`: nothing more is sent; `end`: the body ends there as if it were complete;
   * `fail`: HTTP 500 instead of the answer; `garbage`: other bytes from there on.
   */
  readonly kind: 'cut' | 'stall' | 'end' | 'fail' | 'garbage';
}

export interface EngineProxy {
  /** For `--host`. */
  readonly host: string;
  /** Paths requested so far. */
  readonly asked: string[];
  /** Bytes of the bodies that have passed, by path. */
  readonly sent: Map<string, number>;
  /** Resolves once that many bytes of an answer have passed. */
  reached(path: RegExp, bytes: number): Promise<void>;
}

/** A socket in front of an engine's own. It records requests and injects faults. Closed when the test is over. */
export async function engineProxy(engineHost: string, fault?: Fault): Promise<EngineProxy> {
  const proxy = { asked: [] as string[], sent: new Map<string, number>() };
  const socketPath = engineHost.replace(/^unix:\/\//, '');
  const server = createServer((incoming, response) => {
    const path = (incoming.url ?? '').replace(/^\/v\d+\.\d+(?=\/)/, '');
    proxy.asked.push(path);
    const { method, headers, url } = incoming;
    const outgoing = request({ socketPath, path: url, method, headers }, (answer) =>
      pass(answer, response, path, fault?.path.test(path) ? fault : undefined, proxy.sent),
    );
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    (incoming as NodeJS.ReadableStream).pipe(outgoing as ClientRequest);
  });
  const host = await listenOnSocket(server);
  const reached = async (path: RegExp, bytes: number) => {
    const isThere = () => [...proxy.sent].some(([key, sent]) => path.test(key) && sent >= bytes);
    while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { ...proxy, host, reached };
}

function pass(
  answer: IncomingMessage,
  response: ServerResponse,
  path: string,
  fault: Fault | undefined,
  sent: Map<string, number>,
): void {
  sent.set(path, 0);
  if (fault?.kind === 'fail') {
    answer.destroy();
    response.writeHead(500, { 'content-type': 'application/json' }).end('{"message":"out of order"}');
    return;
  }
  const { 'content-length': _, ...headers } = answer.headers;
  response.writeHead(answer.statusCode ?? 500, headers);
  answer.on('error', () => response.destroy());
  answer.on('end', () => response.end());
  answer.on('data', (piece: Buffer) => {
    const before = sent.get(path) ?? 0;
    const through = fault ? piece.subarray(0, Math.max(0, fault.after - before)) : piece;
    sent.set(path, before + through.length);
    if (through.length > 0 && !response.write(through)) {
      answer.pause();
      response.once('drain', () => answer.resume());
    }
    if (!fault || before + piece.length < fault.after) return;
    if (fault.kind === 'garbage') response.write(Buffer.alloc(piece.length - through.length, '\xa5'));
    else {
      answer.pause();
      answer.removeAllListeners('data');
      answer.removeAllListeners('end');
      if (fault.kind === 'end') response.end();
      if (fault.kind === 'cut') setTimeout(() => response.destroy(), 20);
    }
  });
}
