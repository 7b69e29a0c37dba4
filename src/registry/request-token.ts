import * as v from 'valibot';
import { bareHost } from '../base/http/connections.js';
import { basicHeader, type Challenge } from '../base/http/headers.js';
import { type HttpClient, type HttpReply, type HttpRequest, redirectRefused } from '../base/http/http-client.js';
import { HttpFailure, parseRetryAfter } from '../base/http/http-failure.js';
import { readBeginning, readReply } from '../base/http/read-reply.js';
import { goFields, parseGoJson } from '../base/text/go-json.js';
import { printable } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import type { Credentials } from './credentials/auth-file.js';
import { TokenRefusal } from './registry-refusal.js';

export interface Token {
  readonly text: string;
  /** In milliseconds since 1970. */
  readonly expires: number;
}

export interface TokenRequest {
  /** A URL in the registry that wants the token. */
  readonly registry: URL;
  readonly realm: URL;
  readonly service: string | undefined;
  /** Empty if only the credentials are to be checked. */
  readonly scopes: readonly string[];
  /** If missing, an anonymous token is requested. */
  readonly credentials: Credentials | undefined;
}

const CLIENT = 'dimgx';

/** Maximum size of an answer, in bytes. */
const MAX_ANSWER = 2 ** 20;

/** Maximum size read from the body of a refusal, in bytes. */
const MAX_REFUSAL = 2 ** 16;

/** Maximum length of a token, in characters: it is sent in the headers of every request. */
const MAX_TOKEN = 2 ** 16;

const MAX_REDIRECTS = 5;

/** In seconds; used if the server gives none, and as the minimum. Source: distribution, docs/spec/auth/token.md. */
const DEFAULT_LIFETIME = 60;

/** In seconds; a year. */
const LONGEST_LIFETIME = 31_536_000;

const Text = v.optional(v.string(), '');
const Schema = v.object({ token: Text, access_token: Text });

/**
 * Requests a token for scopes: with an identity token, with user and password, or anonymously. The request goes to the
 * realm and follows redirects only to the same origin, or to the same host over TLS.
 *
 * @throws DIMGX_REGISTRY_FAILED, DIMGX_IMAGE_DOCUMENT_TOO_LARGE, TokenRefusal, HttpFailure; none reveals a secret
 */
export async function requestToken(http: HttpClient, request: TokenRequest): Promise<Token> {
  const begun = Date.now();
  const reply = await askForToken(http, request);
  const { status, url } = reply;
  if (status < 200 || status > 299) {
    const [header] = reply.headers('retry-after');
    const body = await readBeginning(http, reply, MAX_REFUSAL);
    const retryAfter = parseRetryAfter(header, Date.now());
    throw new TokenRefusal({ status, url, body, retryAfter }, request.registry, request.credentials !== undefined);
  }
  const document = parseGoJson((await readReply(http, reply, MAX_ANSWER)).toString());
  const fields = goFields(document, ['token', 'access_token', 'expires_in']);
  const parsed = v.safeParse(Schema, fields);
  const text = parsed.success ? (parsed.output.token || parsed.output.access_token).trim() : '';
  // a token with any other character could not be sent in a header
  if (!/^[\x21-\x7e]+$/.test(text)) throw noToken(url, `HTTP ${status}`);
  if (text.length > MAX_TOKEN) throw noToken(url, `a token of ${text.length} characters is too long`);
  return { text, expires: begun + lifetimeOf(fields.expires_in) * 1000 };
}

/** @returns seconds */
function lifetimeOf(field: unknown): number {
  const seconds = typeof field === 'number' || typeof field === 'string' ? Number(field) : Number.NaN;
  return Number.isNaN(seconds) ? DEFAULT_LIFETIME : Math.min(Math.max(seconds, DEFAULT_LIFETIME), LONGEST_LIFETIME);
}

/** A server that does not support identity tokens may accept the password stored with one. */
async function askForToken(http: HttpClient, request: TokenRequest): Promise<HttpReply> {
  const { identityToken, password } = request.credentials ?? { identityToken: '', password: '' };
  if (identityToken === '') return ask(http, request);
  const reply = await follow(http, request.realm, exchange(request, identityToken));
  if (![404, 405].includes(reply.status) || password === '') return reply;
  reply.body.destroy();
  return ask(http, request);
}

function ask(http: HttpClient, { realm, service, scopes, credentials }: TokenRequest): Promise<HttpReply> {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  if (!credentials?.username) return follow(http, url, {});
  url.searchParams.set('account', credentials.username);
  const { username, password } = credentials;
  return follow(http, url, { headers: { authorization: basicHeader(username, password) } });
}

/** Source: distribution, docs/spec/auth/oauth.md. */
function exchange({ service, scopes }: TokenRequest, identityToken: string): HttpRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    ...(service !== undefined && { service }),
    client_id: CLIENT,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    refresh_token: identityToken,
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', headers, body: form.toString() };
}

/** A redirect resends the form unchanged. Status 303 asks for a request without the form, and is then not followed. */
async function follow(http: HttpClient, from: URL, request: HttpRequest): Promise<HttpReply> {
  let url = from;
  for (let count = 0; count <= MAX_REDIRECTS; count++) {
    const reply = await http.send(url, request);
    const [location] = reply.headers('location');
    const isRedirect = [301, 302, 307, 308].includes(reply.status) || (reply.status === 303 && !request.body);
    if (!isRedirect || location === undefined) return reply;
    reply.body.destroy();
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (!next || !mayLead(next, url)) throw redirectRefused(url, location);
    url = next;
  }
  throw new HttpFailure('refused', `there are more than ${MAX_REDIRECTS} redirects`);
}

function mayLead(next: URL, { origin, hostname }: URL): boolean {
  if (next.username !== '' || next.password !== '') return false;
  return next.origin === origin || (next.protocol === 'https:' && next.hostname === hostname);
}

function noToken({ host }: URL, why: string): DimgxError {
  const message = `${printable(host, 200)} returned no token (${why})`;
  return new DimgxError('DIMGX_REGISTRY_FAILED', message);
}

/** The server that issues a registry's tokens. */
export interface TokenRealm {
  readonly url: URL;
  /** The registry gave it as plain HTTP, and it is requested over TLS. */
  readonly isUpgraded: boolean;
}

/**
 * The token server that a challenge names. A registry behind a TLS-terminating proxy often gives its own host as plain
 * HTTP; that is requested over TLS. If the registry uses TLS, any other realm without TLS is refused.
 *
 * @throws DIMGX_REGISTRY_FAILED, DIMGX_REGISTRY_TLS
 */
export function tokenRealm({ parameters }: Challenge, registry: URL): TokenRealm {
  const text = parameters.get('realm') ?? '';
  const realm = URL.canParse(text) ? new URL(text) : undefined;
  if (!realm || !/^https?:$/.test(realm.protocol) || realm.username !== '' || realm.password !== '') {
    const message = `${registry.host} names no valid token server: ${printable(text, 200)}`;
    throw new DimgxError('DIMGX_REGISTRY_FAILED', message);
  }
  if (registry.protocol !== 'https:' || realm.protocol === 'https:') return { url: realm, isUpgraded: false };
  if (bareHost(realm.hostname) !== bareHost(registry.hostname)) throw plainRefused(registry, realm);
  const url = new URL(realm);
  url.protocol = 'https:';
  return { url, isUpgraded: true };
}

export function plainRefused(registry: URL, realm: URL, cause?: unknown): DimgxError {
  const place = printable(realm.host, 200);
  const message = `${registry.host} names the token server ${place} by plain HTTP, which is refused`;
  return new DimgxError('DIMGX_REGISTRY_TLS', message, { cause });
}

/** Maximum length of the scope in a challenge, in characters: a longer one would not fit in a URL. */
const MAX_LENGTH = 4096;

/** Maximum number of scopes in one list: a registry may name a different scope each time. */
const MAX_SCOPES = 8;

/** What the lists of scopes to request are made from. */
interface ScopeChoices {
  /** What is needed, as far as dimgx knows. */
  readonly own: readonly string[];
  /** The scopes that the challenge names; may be empty. */
  readonly named: readonly string[];
  /** The token for `own` was just refused. */
  readonly isRefused: boolean;
}

/**
 * The lists of scopes to request tokens for, likeliest first: dimgx's own, then those together with the challenge's,
 * then the challenge's alone. A registry with its own actions, or behind a proxy that rewrites its paths, knows best
 * what it needs. Other registries name a scope that is only an example.
 */
export function scopeChoices({ own, named, isRefused }: ScopeChoices): readonly (readonly string[])[] {
  if (own.length + named.length > MAX_SCOPES) return [named.slice(0, MAX_SCOPES)];
  const missing = named.filter((scope) => !own.includes(scope));
  const choices = isRefused && missing.length > 0 ? [] : [own];
  if (missing.length > 0) choices.push([...own, ...missing]);
  if (named.length > 0) choices.push(named);
  return [...new Map(choices.map((choice) => [keyOfScopes(choice), choice])).values()];
}

/** The scopes in a challenge's parameter. */
export function namedScopes(scope: string | undefined): readonly string[] {
  if (scope === undefined || scope.length > MAX_LENGTH) return [];
  return [...new Set(scope.split(/\s+/).filter((each) => each !== ''))];
}

/** One text for a list of scopes, in any order. */
export function keyOfScopes(scopes: readonly string[]): string {
  return [...scopes].sort().join(' ');
}
