import { randomUUID, sign, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { USER } from './registry.js';

/** A request for a token. */
export interface Asked {
  readonly method: string;
  readonly authorization: string | undefined;
  /** From the query, or from the form. */
  readonly parameters: Readonly<Record<string, string>>;
}

export interface TokenServer {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** Path of the certificate of the authority that signs the token server's signing certificate. */
  readonly authority: string;
  readonly asked: Asked[];
  /** Lifetime of the tokens issued from now on, in seconds. */
  lifetime: number;
  stop(): Promise<void>;
}

/** The identity token that `USER` has after `docker login` to a server that issues them. */
export const IDENTITY_TOKEN = 'identity-of-dimgx';

const [service, issuer] = ['registry of the tests', 'token server of the tests'];

/**
 * Issues tokens for Docker's registry: to `USER` for everything, to others for pulling below `public/`.
 * Source: distribution, docs/spec/auth/token.md, jwt.md, oauth.md.
 *
 * @param certificates a folder with `ca.pem`, `cert.pem` and `key.pem`
 * @param isTls whether it is reached over TLS
 */
export async function startTokenServer(certificates: string, isTls = false): Promise<TokenServer> {
  const [cert, key] = await Promise.all(['cert', 'key'].map((name) => readFile(`${certificates}/${name}.pem`)));
  const asked: Asked[] = [];
  const state = { lifetime: 300 };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    const parameters = request.method === 'POST' ? new URLSearchParams(await text(request)) : url.searchParams;
    const given = Object.fromEntries(parameters);
    const { authorization } = request.headers;
    asked.push({ method: request.method ?? '', authorization, parameters: given });
    const isKnown = authorization === BASIC || given.refresh_token === IDENTITY_TOKEN;
    if ((authorization !== undefined || given.refresh_token !== undefined) && !isKnown) {
      response.writeHead(401).end('{"details":"who are you?"}');
      return;
    }
    const token = signed(claims(parameters.getAll('scope'), isKnown, state.lifetime), cert as Buffer, key as Buffer);
    const body = request.method === 'POST' ? { access_token: token } : { token };
    response.end(JSON.stringify({ ...body, expires_in: state.lifetime }));
  };
  const handler = (request: IncomingMessage, response: ServerResponse) => void answer(request, response);
  const server: Server = isTls ? createTlsServer({ cert, key }, handler) : createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    realm: `${isTls ? 'https' : 'http'}://127.0.0.1:${port}/token`,
    ...{ service, issuer, asked },
    authority: `${certificates}/ca.pem`,
    get lifetime() {
      return state.lifetime;
    },
    set lifetime(seconds) {
      state.lifetime = seconds;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const BASIC = `Basic ${Buffer.from(`${USER.name}:${USER.password}`).toString('base64')}`;

function claims(scopes: readonly string[], isUser: boolean, lifetime: number) {
  const now = Math.floor(Date.now() / 1000);
  const access = scopes.flatMap((scope) => {
    const [, type = '', name = '', actions = ''] = /^(\w+):(.*):([\w,*]*)$/.exec(scope) ?? [];
    const wanted = actions.split(',');
    const allowed = isUser ? wanted : wanted.filter((each) => each === 'pull' && name.startsWith('public/'));
    return allowed.length > 0 ? [{ type, name, actions: allowed }] : [];
  });
  const times = { iat: now, nbf: now - 10, exp: now + lifetime };
  return { iss: issuer, sub: isUser ? USER.name : '', aud: service, jti: randomUUID(), ...times, access };
}

function signed(payload: object, cert: Buffer, key: Buffer): string {
  const der = new X509Certificate(cert).raw;
  const header = { typ: 'JWT', alg: 'ES256', x5c: [der.toString('base64')] };
  const head = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const signature = sign('sha256', Buffer.from(head), { key, dsaEncoding: 'ieee-p1363' });
  return `${head}.${signature.toString('base64url')}`;
}
