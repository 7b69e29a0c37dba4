import * as v from 'valibot';
import { DimgxError } from '../../errors.js';
import { parsePrivate } from '../../file/private-document.js';
import { printable } from '../../image/printable.js';
import type { Credentials } from '../credentials/credentials.js';
import { basicHeader } from './basic-header.js';
import type { HttpClient, HttpReply, HttpRequest } from './http-client.js';
import { readReply } from './read-reply.js';
import { RegistryRefusal } from './registry-refusal.js';

export interface Token {
  readonly text: string;
  /** In milliseconds since 1970. */
  readonly expires: number;
}

export interface TokenRequest {
  readonly realm: URL;
  readonly service: string | undefined;
  /** Empty: only whether the credentials are good is of interest. */
  readonly scope: string;
  /** Without, a token for everybody is asked for. */
  readonly credentials: Credentials | undefined;
}

const CLIENT = 'dimgx';

/** Of an answer, in bytes. */
const MAX_ANSWER = 2 ** 20;

/** Where the server does not say it. Source: distribution, docs/spec/auth/token.md. */
const DEFAULT_LIFETIME = 60;

const Text = v.nullish(v.string(), '');
const Schema = v.object({ token: Text, access_token: Text, expires_in: v.nullish(v.number(), DEFAULT_LIFETIME) });

/**
 * Gets a token for a scope: by an identity token, by user and password, or for everybody. It is got where the realm is, and
 * nowhere that it leads to.
 *
 * @throws DIMGX_SOURCE_REGISTRY_DENIED, DIMGX_SOURCE_REGISTRY_FAILED, RegistryRefusal, HttpFailure; none tells of a secret
 */
export async function requestToken(http: HttpClient, request: TokenRequest): Promise<Token> {
  const begun = Date.now();
  const { realm } = request;
  const reply = request.credentials?.identityToken
    ? await http.send(realm, exchange(request, request.credentials.identityToken))
    : await ask(http, request);
  const body = await readReply(http, reply, MAX_ANSWER);
  const { status } = reply;
  if (status === 401 || status === 403) throw denied(realm, request.credentials !== undefined);
  if (status === 429 || status >= 500) throw new RegistryRefusal(status, '');
  const parsed = v.safeParse(Schema, status === 200 ? parsePrivate(body.toString()) : undefined);
  const text = parsed.success ? parsed.output.token || parsed.output.access_token : '';
  // what else is in a token could not be sent as a header
  if (!parsed.success || !/^[\x21-\x7e]+$/.test(text)) throw noToken(realm, status);
  return { text, expires: begun + Math.max(parsed.output.expires_in, DEFAULT_LIFETIME) * 1000 };
}

function ask(http: HttpClient, { realm, service, scope, credentials }: TokenRequest): Promise<HttpReply> {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  if (scope !== '') url.searchParams.set('scope', scope);
  if (!credentials?.username) return http.send(url);
  url.searchParams.set('account', credentials.username);
  return http.send(url, { headers: { authorization: basicHeader(credentials.username, credentials.password) } });
}

/** Source: distribution, docs/spec/auth/oauth.md. */
function exchange({ service, scope }: TokenRequest, identityToken: string): HttpRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    ...(service !== undefined && { service }),
    client_id: CLIENT,
    ...(scope !== '' && { scope }),
    refresh_token: identityToken,
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', headers, body: form.toString() };
}

function denied({ host }: URL, isShown: boolean): DimgxError {
  const what = isShown ? 'does not accept the credentials' : 'gives no token to everybody';
  return new DimgxError('DIMGX_SOURCE_REGISTRY_DENIED', `${printable(host, 200)} ${what}`);
}

function noToken({ host }: URL, status: number): DimgxError {
  const message = `${printable(host, 200)} answers no token (HTTP ${status})`;
  return new DimgxError('DIMGX_SOURCE_REGISTRY_FAILED', message);
}
