import { bareHost, isLoopback } from '../base/http/connections.js';
import { basicHeader, type Challenge, parseChallenges } from '../base/http/headers.js';
import type { HttpClient, HttpReply } from '../base/http/http-client.js';
import { HttpFailure } from '../base/http/http-failure.js';
import { printable } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import type { Credentials } from './credentials/auth-file.js';
import { TokenRefusal } from './registry-refusal.js';
import {
  keyOfScopes,
  namedScopes,
  plainRefused,
  requestToken,
  scopeChoices,
  type Token,
  type TokenRealm,
  tokenRealm,
} from './request-token.js';

interface AuthorizationOptions {
  readonly http: HttpClient;
  /** Called at most once, after the first 401. */
  readonly credentials: () => Promise<Credentials | undefined>;
  /** Whether credentials may be sent over plain HTTP to another machine. */
  readonly isInsecure: boolean;
}

/** The parts of a reply that a challenge is read from. */
export type ChallengeReply = Pick<HttpReply, 'url' | 'headers'>;

/** Milliseconds before a token expires when it is no longer used: the request itself takes a while. */
const MARGIN = 5_000;

/** The authorization for one registry: a password, or the tokens obtained with it, one for each list of scopes. */
export class Authorization {
  readonly #options: AuthorizationOptions;
  /** Keyed by `keyOfScopes`. */
  readonly #tokens = new Map<string, Promise<Token>>();
  /** The list of scopes that was sufficient, keyed by the scope that was wanted. */
  readonly #scopes = new Map<string, readonly string[]>();
  /** Origins of token servers that have answered. */
  readonly #reached = new Set<string>();
  #credentials: Promise<Credentials | undefined> | undefined;
  /** A header that is valid for every scope. */
  #header: string | undefined;

  constructor(options: AuthorizationOptions) {
    this.#options = options;
  }

  /**
   * The header for the first attempt. `undefined` until the registry has sent a challenge, or if there are no
   * credentials.
   */
  async header(scope: string): Promise<string | undefined> {
    // the caller that requested the token has already received its failure
    const token = await this.#freshToken(keyOfScopes(this.#scopesFor(scope))).catch(() => undefined);
    return token ?? this.#header;
  }

  /** Whether there are credentials, and they may be sent to this registry. */
  async hasCredentials(registry: URL): Promise<boolean> {
    const found = await this.#credentialsFor(registry);
    return found !== undefined && secretsOf(found).some((secret) => secret !== '');
  }

  /**
   * Answers a challenge.
   *
   * @param refused the header that was rejected
   * @param tried keys of the scope lists already requested for this request; new ones are added
   * @returns another header; `undefined` when there is nothing left to try
   * @throws DIMGX_REGISTRY_*, TokenRefusal, HttpFailure
   */
  async answer(
    reply: ChallengeReply,
    scope: string,
    refused: string | undefined,
    tried: Set<string> = new Set(),
  ): Promise<string | undefined> {
    const challenges = parseChallenges(reply.headers('www-authenticate'));
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer) return this.#answerBearer(bearer, reply.url, scope, refused, tried);
    if (!challenges.some(({ scheme }) => scheme === 'basic')) return undefined;
    const { username, password } = (await this.#credentialsFor(reply.url)) ?? { username: '', password: '' };
    this.#header = username === '' ? undefined : basicHeader(username, password);
    return this.#header === refused ? undefined : this.#header;
  }

  /** Every secret sent to this registry. None may appear in a message, because the registry may echo them. */
  async secrets(): Promise<readonly string[]> {
    const credentials = await this.#credentials?.catch(() => undefined);
    const tokens = await Promise.allSettled(this.#tokens.values());
    const texts = tokens.map((token) => (token.status === 'fulfilled' ? token.value.text : ''));
    return [...(credentials ? secretsOf(credentials) : []), ...texts];
  }

  async #answerBearer(
    challenge: Challenge,
    registry: URL,
    scope: string,
    refused: string | undefined,
    tried: Set<string>,
  ): Promise<string | undefined> {
    const credentials = await this.#credentialsFor(registry);
    if (credentials?.registryToken) {
      this.#header = `Bearer ${credentials.registryToken}`;
      return this.#header === refused ? undefined : this.#header;
    }
    const realm = tokenRealm(challenge, registry);
    const isShown = credentials && this.#mayKnow(realm.url, registry);
    const service = challenge.parameters.get('service');
    const own = this.#scopesFor(scope);
    const isRefused = refused !== undefined && refused === (await this.header(scope));
    const named = namedScopes(challenge.parameters.get('scope'));
    let failure: unknown;
    for (const scopes of scopeChoices({ own, named, isRefused })) {
      const key = keyOfScopes(scopes);
      // after one refusal, any other list that includes the refused scopes would be refused too
      if (tried.has(key) || (failure !== undefined && scopes !== named)) continue;
      tried.add(key);
      const request = { registry, realm: realm.url, service, scopes, credentials: isShown ? credentials : undefined };
      try {
        const header = await this.#headerFor(key, refused, () => this.#request(request, realm, registry));
        this.#scopes.set(scope, scopes);
        return header;
      } catch (refusal) {
        if (!(refusal instanceof TokenRefusal) || refusal.isFinal) throw refusal;
        failure ??= refusal;
      }
    }
    if (failure !== undefined) throw failure;
    return undefined;
  }

  /** When several requests find a token too old, only the first requests a new one. */
  async #headerFor(key: string, refused: string | undefined, request: () => Promise<Token>): Promise<string> {
    for (;;) {
      const known = this.#tokens.get(key);
      const header = await this.#freshToken(key);
      if (header !== undefined && header !== refused) return header;
      if (this.#tokens.get(key) !== known) continue;
      const token = request();
      this.#tokens.set(key, token);
      token.catch(() => this.#tokens.delete(key));
      return `Bearer ${(await token).text}`;
    }
  }

  /** Adds the name of the token server to errors about it. */
  async #request(request: Parameters<typeof requestToken>[1], realm: TokenRealm, registry: URL): Promise<Token> {
    const { origin, host } = realm.url;
    try {
      const token = await requestToken(this.#options.http, request);
      this.#reached.add(origin);
      return token;
    } catch (failure) {
      if (failure instanceof TokenRefusal) this.#reached.add(origin);
      if (!(failure instanceof HttpFailure)) throw failure;
      const { kind, message } = failure;
      if (realm.isUpgraded && kind !== 'refused') throw plainRefused(registry, realm.url, failure);
      const place = `the token server ${printable(host, 200)} of ${printable(registry.host, 200)}`;
      if (kind === 'unreachable' && !this.#reached.has(origin)) {
        const text = `${place} cannot be reached: ${message}`;
        throw new DimgxError('DIMGX_REGISTRY_UNREACHABLE', text, { cause: failure });
      }
      if (kind === 'tls' || kind === 'plain') {
        const text = `there is no secure connection to ${place}: ${message}`;
        throw new DimgxError('DIMGX_REGISTRY_TLS', text, { cause: failure, options: ['caFile'] });
      }
      throw new HttpFailure(kind === 'unreachable' ? 'cut' : kind, `${place}: ${message}`, failure);
    }
  }

  #scopesFor(scope: string): readonly string[] {
    return this.#scopes.get(scope) ?? (scope === '' ? [] : [scope]);
  }

  /** @returns the header for a token that will not expire soon */
  async #freshToken(key: string): Promise<string | undefined> {
    const token = await this.#tokens.get(key);
    return token && token.expires - MARGIN > Date.now() ? `Bearer ${token.text}` : undefined;
  }

  /**
   * Sends no credentials to another machine over plain HTTP unless the user allows it: others could listen in, or
   * impersonate the registry.
   */
  async #credentialsFor({ protocol, hostname }: URL): Promise<Credentials | undefined> {
    if (protocol !== 'https:' && !this.#options.isInsecure && !isLoopback(bareHost(hostname))) return undefined;
    this.#credentials ??= this.#options.credentials();
    return this.#credentials;
  }

  /**
   * Over plain HTTP a registry cannot be trusted to name its token server. Credentials are sent only if the token
   * server is on the registry's own host, or if both are on this machine.
   */
  #mayKnow(realm: URL, registry: URL): boolean {
    if (registry.protocol === 'https:') return true;
    const [host, other] = [bareHost(registry.hostname), bareHost(realm.hostname)];
    return host === other || (isLoopback(host) && isLoopback(other));
  }
}

/** Removes secrets from a text. */
export type Redact = (text: string) => string;

/** The secrets in credentials, including the Basic header made from them. */
export function secretsOf({ username, password, identityToken, registryToken }: Credentials): readonly string[] {
  const pair = username === '' ? '' : basicHeader(username, password).replace(/^\w+ /, '');
  return [password, identityToken, registryToken, pair];
}

/** Servers may echo a secret as JSON, in a URL, or without Base64 padding, so those forms are removed too. */
export function redactor(secrets: readonly string[]): Redact {
  const forms = secrets.flatMap((secret) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(Buffer.from(secret).toString()),
    new URLSearchParams([['', secret]]).toString().slice(1),
    secret.replace(/=+$/, ''),
  ]);
  // replace the longest first: a secret may contain another, and its remainder would be left
  const longestFirst = [...new Set(forms)].filter((form) => form !== '').sort((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((rest, form) => rest.replaceAll(form, '***'), text);
}
