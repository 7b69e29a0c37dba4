import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { listen } from './registry-proxy.js';

/** A request received by a gateway. */
export interface Passing {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** What to do with it: return an answer of the gateway's own, or request another path from the registry. */
export type Verdict =
  | { readonly status: number; readonly headers?: OutgoingHttpHeaders; readonly body?: string | Buffer }
  | { readonly path: string };

export interface Gateway {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly port: number;
  readonly seen: Passing[];
}

/**
 * A server that decides about each request: it answers itself, or passes the request on. Closed when the test is over.
 *
 * @param registry `HOST:PORT`; empty if there is none behind it
 * @param decide returns `undefined` to pass the request on unchanged
 */
export async function gateway(registry: string, decide: (passing: Passing) => Verdict | undefined): Promise<Gateway> {
  const seen: Passing[] = [];
  const [hostname = '', port] = registry.split(':');
  const server = createServer((incoming, response) => {
    const { method = 'GET', url = '', headers } = incoming;
    const passing = { method, path: url, authorization: headers.authorization, headers };
    seen.push(passing);
    const verdict = decide(passing);
    if (verdict && 'status' in verdict) {
      response.writeHead(verdict.status, verdict.headers).end(verdict.body);
      return;
    }
    const path = verdict?.path ?? url;
    const outgoing = request({ hostname, port, method, headers, path }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
  const host = await listen(server);
  return { host, port: Number(host.split(':')[1]), seen };
}
