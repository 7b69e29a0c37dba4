import {
  type ClientRequest,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket, Server as TcpServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** A fault in the answer to requests whose path matches a pattern. */
export interface RegistryFault {
  readonly path: RegExp;
  /** How often it occurs. Default 1. */
  readonly times?: number;
  /**
   * The fault that occurs after `after` bytes of the body. `cut`: the connection is closed; `stall`: nothing more is
   * sent; `trickle`: the rest is sent byte by byte; `end`: the body ends as if it were complete; `damage`: one byte is
   * changed; `endless`: more is sent, without end.
   */
  readonly kind?: 'cut' | 'stall' | 'trickle' | 'end' | 'damage' | 'endless';
  /** Default 0. */
  readonly after?: number;
  /** Returned instead of the registry's answer. */
  readonly answer?: { readonly status: number; readonly headers?: OutgoingHttpHeaders; readonly body?: string };
  /** Headers to set, or with `undefined` to remove, in the request to the registry. */
  readonly asked?: Readonly<Record<string, string | undefined>>;
  /** The same for its answer. */
  readonly answered?: Readonly<Record<string, string | undefined>>;
}

/** A request, and its outcome. */
export interface Seen {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  status: number;
  /** Bytes of the body that passed. */
  sent: number;
}

export interface RegistryProxy {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly seen: Seen[];
  /** The requests whose path matches a pattern. */
  on(path: RegExp): readonly Seen[];
}

/** A port in front of a registry. It records requests and injects faults. Closed when the test is over. */
export async function registryProxy(registry: string, ...faults: readonly RegistryFault[]): Promise<RegistryProxy> {
  const seen: Seen[] = [];
  const left = new Map(faults.map((fault) => [fault, fault.times ?? 1]));
  const [hostname = '', port] = registry.split(':');
  const server = createServer((incoming, response) => {
    const { method, headers, url: path = '' } = incoming;
    const one: Seen = { path, headers, status: 0, sent: 0 };
    seen.push(one);
    const fault = faults.find((each) => each.path.test(path) && (left.get(each) ?? 0) > 0);
    if (fault) left.set(fault, (left.get(fault) ?? 0) - 1);
    if (fault?.answer) {
      const { status, body = '', headers: own = {} } = fault.answer;
      one.status = status;
      response.writeHead(status, own).end(body);
      return;
    }
    const asked = changed(headers, fault?.asked);
    const outgoing = request({ hostname, port, path, method, headers: asked }, (answer) =>
      pass(answer, response, fault, one),
    );
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    (incoming as NodeJS.ReadableStream).pipe(outgoing as ClientRequest);
  });
  const host = await listen(server);
  return { host, seen, on: (path) => seen.filter((one) => path.test(one.path)) };
}

/** Makes a server listen on 127.0.0.1 until the test is over. @returns `127.0.0.1:PORT` */
export async function listen(server: TcpServer): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function pass(answer: IncomingMessage, response: ServerResponse, fault: RegistryFault | undefined, one: Seen): void {
  one.status = answer.statusCode ?? 500;
  // a body that ends early would not match the announced length
  const isWhole = fault?.kind !== 'end' && fault?.kind !== 'endless';
  const headers = changed(answer.headers, { ...fault?.answered, ...(!isWhole && { 'content-length': undefined }) });
  response.writeHead(one.status, headers);
  answer.on('error', () => response.destroy());
  answer.on('end', () => response.end());
  answer.on('data', (piece: Buffer) => {
    const before = one.sent;
    const after = fault?.kind === undefined ? Number.POSITIVE_INFINITY : (fault.after ?? 0);
    const meets = before <= after && before + piece.length > after;
    if (meets && fault?.kind === 'damage') piece.writeUInt8(piece.readUInt8(after - before) ^ 1, after - before);
    const stops = meets && fault?.kind !== 'damage';
    const through = stops ? piece.subarray(0, after - before) : piece;
    one.sent += through.length;
    if (through.length > 0 && !response.write(through)) {
      answer.pause();
      response.once('drain', () => answer.resume());
    }
    if (!stops) return;
    answer.pause();
    answer.removeAllListeners('data');
    answer.removeAllListeners('end');
    if (fault?.kind === 'end') response.end();
    if (fault?.kind === 'cut') setTimeout(() => response.destroy(), 20);
    if (fault?.kind === 'endless') pour(response, one);
    if (fault?.kind === 'trickle') trickle(answer, piece.subarray(through.length), response, one);
  });
}

function pour(response: ServerResponse, one: Seen): void {
  const bytes = Buffer.alloc(2 ** 16, 1);
  const more = () => {
    while (!response.destroyed && response.write(bytes)) one.sent += bytes.length;
    if (!response.destroyed) response.once('drain', more);
  };
  more();
}

function trickle(answer: IncomingMessage, rest: Buffer, response: ServerResponse, one: Seen): void {
  response.removeAllListeners('drain'); // data that flowed then would be lost
  answer.unshift(rest);
  const timer = setInterval(() => {
    const byte: Buffer | null = answer.read(1);
    if (byte === null) return;
    response.write(byte);
    one.sent++;
  }, 10);
  response.on('close', () => clearInterval(timer));
}

function changed(headers: IncomingHttpHeaders, changes: RegistryFault['asked'] = {}): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries({ ...headers, ...changes }).filter(([, value]) => value !== undefined));
}
