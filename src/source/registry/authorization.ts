import { DimgxError } from '../../errors.js';
import { printable } from '../../image/printable.js';
import type { Credentials } from '../credentials/credentials.js';
import { basicHeader } from './basic-header.js';
import { type Challenge, parseChallenges } from './challenge.js';
import type { HttpClient, HttpReply } from './http-client.js';
import { bareHost, isLoopback } from './proxy.js';
import { requestToken, type Token } from './request-token.js';

export interface AuthorizationOptions {
  readonly http: HttpClient;
  /** Is asked once, and not before a registry wants to know who asks. */
  readonly credentials: () => Promise<Credentials | undefined>;
  /** Whether credentials may go over plain HTTP to another machine. */
  readonly isInsecure: boolean;
}

/** Of a token's time, in milliseconds, that is not used: the request takes a while. */
const MARGIN = 5_000;

/** What one registry is shown: a password, or tokens that are got for it, one for each scope. */
export class Authorization {
  readonly #options: AuthorizationOptions;
  readonly #tokens = new Map<string, Promise<Token>>();
  #credentials: Promise<Credentials | undefined> | undefined;
  /** For every scope. */
  #header: string | undefined;

  constructor(options: AuthorizationOptions) {
    this.#options = options;
  }

  /** The header to begin with; `undefined` as long as the registry has not asked, or when there is nothing to show. */
  async header(scope: string): Promise<string | undefined> {
    return (await this.#freshToken(scope)) ?? this.#header;
  }

  /**
   * Answers a challenge.
   *
   * @param refused the header that was not enough
   * @returns another header; `undefined` when there is nothing more to show
   * @throws DIMGX_SOURCE_REGISTRY_DENIED, DIMGX_SOURCE_REGISTRY_FAILED, HttpFailure
   */
  async answer(reply: HttpReply, scope: string, refused: string | undefined): Promise<string | undefined> {
    const challenges = parseChallenges(reply.headers('www-authenticate'));
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer) return this.#answerBearer(bearer, reply.url, scope, refused);
    if (!challenges.some(({ scheme }) => scheme === 'basic')) return undefined;
    const { username, password } = (await this.#credentialsFor(reply.url)) ?? { username: '', password: '' };
    this.#header = username === '' ? undefined : basicHeader(username, password);
    return this.#header === refused ? undefined : this.#header;
  }

  /** A text without what this registry was shown: it may echo it. */
  async redact(text: string): Promise<string> {
    const { username = '', ...secrets } = (await this.#credentials) ?? {};
    const tokens = await Promise.allSettled(this.#tokens.values());
    const texts = tokens.map((token) => (token.status === 'fulfilled' ? token.value.text : ''));
    const shown = [...Object.values(secrets), ...texts, this.#header?.replace(/^\w+ /, '') ?? ''];
    // one may lie in another, of which the rest would be left
    const longestFirst = shown.filter((secret) => secret !== '').sort((a, b) => b.length - a.length);
    return longestFirst.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  }

  async #answerBearer(
    challenge: Challenge,
    registry: URL,
    scope: string,
    refused: string | undefined,
  ): Promise<string | undefined> {
    const credentials = await this.#credentialsFor(registry);
    if (credentials?.registryToken) {
      this.#header = `Bearer ${credentials.registryToken}`;
      return this.#header === refused ? undefined : this.#header;
    }
    const known = this.#tokens.get(scope);
    const header = await this.#freshToken(scope);
    if (header !== undefined && header !== refused) return header;
    // of several requests that a token was too old for, the first gets a new one
    if (this.#tokens.get(scope) !== known) return this.#answerBearer(challenge, registry, scope, refused);
    const realm = realmOf(challenge, registry);
    const isShown = credentials && this.#mayKnow(realm, registry);
    const service = challenge.parameters.get('service');
    const { http } = this.#options;
    const token = requestToken(http, { realm, service, scope, credentials: isShown ? credentials : undefined });
    this.#tokens.set(scope, token);
    token.catch(() => this.#tokens.delete(scope));
    return `Bearer ${(await token).text}`;
  }

  /** @returns the header for a token that is good for a while yet */
  async #freshToken(scope: string): Promise<string | undefined> {
    const token = await this.#tokens.get(scope);
    return token && token.expires - MARGIN > Date.now() ? `Bearer ${token.text}` : undefined;
  }

  /** Nothing is known to a registry that others can overhear, or can pass for, unless the user wants it so. */
  async #credentialsFor({ protocol, hostname }: URL): Promise<Credentials | undefined> {
    if (protocol !== 'https:' && !this.#options.isInsecure && !isLoopback(bareHost(hostname))) return undefined;
    this.#credentials ??= this.#options.credentials();
    return this.#credentials;
  }

  /** Over plain HTTP a registry cannot be believed where its tokens are: they must be with itself, or on this machine too. */
  #mayKnow(realm: URL, registry: URL): boolean {
    if (registry.protocol === 'https:') return true;
    const [host, other] = [bareHost(registry.hostname), bareHost(realm.hostname)];
    return host === other || (isLoopback(host) && isLoopback(other));
  }
}

/** @throws DIMGX_SOURCE_REGISTRY_FAILED, DIMGX_SOURCE_REGISTRY_DENIED */
function realmOf({ parameters }: Challenge, registry: URL): URL {
  const text = parameters.get('realm') ?? '';
  const realm = URL.canParse(text) ? new URL(text) : undefined;
  if (!realm || !/^https?:$/.test(realm.protocol) || realm.username !== '' || realm.password !== '') {
    const message = `${registry.host} names no place to get tokens from: ${printable(text, 200)}`;
    throw new DimgxError('DIMGX_SOURCE_REGISTRY_FAILED', message);
  }
  if (registry.protocol === 'https:' && realm.protocol !== 'https:') {
    const message = `${registry.host} wants tokens to be got from ${printable(realm.host, 200)} by plain HTTP, which is refused`;
    throw new DimgxError('DIMGX_SOURCE_REGISTRY_DENIED', message);
  }
  return realm;
}
