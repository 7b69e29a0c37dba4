import { parseChallenges } from '../base/http/headers.js';
import { type Authorization, type ChallengeReply, type Redact, redactor } from './authorization.js';

export interface RegistryAccessOptions {
  /** For the registry itself. */
  readonly own: Authorization;
  /** Creates the authorization for another registry, with that registry's own credentials. */
  readonly other: (registry: URL) => Authorization;
}

/** The authorizations for a registry and for the registries that it redirects to, each with its own. */
export class RegistryAccess {
  readonly own: Authorization;
  readonly #other: RegistryAccessOptions['other'];
  /** One for each repository, because credentials may be stored for a single repository. */
  readonly #others = new Map<string, Authorization>();

  constructor({ own, other }: RegistryAccessOptions) {
    this.own = own;
    this.#other = other;
  }

  /** The authorization for a registry that the own one redirects to. */
  elsewhere(registry: URL): Authorization {
    const key = keyOf(registry);
    const known = this.#others.get(key) ?? this.#other(registry);
    this.#others.set(key, known);
    return known;
  }

  /** The header for a registry that has sent a challenge before. */
  async headerAt(url: URL): Promise<string | undefined> {
    return this.#others.get(keyOf(url))?.header(scopeOf(url));
  }

  /** Returns a function that removes every secret sent to any registry from a text. */
  async redactor(): Promise<Redact> {
    const all = await Promise.all([this.own, ...this.#others.values()].map((each) => each.secrets()));
    return redactor(all.flat());
  }
}

/** The state of authorization for one request. */
export class AccessAttempt {
  readonly #access: RegistryAccess;
  readonly #scope: string;
  readonly #tried = new Map<Authorization, Set<string>>();
  /** By origin. */
  readonly #headers = new Map<string, string>();
  /** Origins. */
  readonly #askedTops = new Set<string>();

  /** @param scope what a token for the registry itself must allow */
  constructor(access: RegistryAccess, scope: string) {
    this.#access = access;
    this.#scope = scope;
  }

  /** The header for the registry itself. */
  async ownHeader(origin: string): Promise<string | undefined> {
    return this.#headers.get(origin) ?? (await this.#access.own.header(this.#scope));
  }

  /** The header for other registries. */
  async headerAt(url: URL): Promise<string | undefined> {
    return this.#headers.get(url.origin) ?? (await this.#access.headerAt(url));
  }

  /**
   * Answers the challenge of a registry that denies the request.
   *
   * @param shown the authorization header that was sent
   * @returns whether there is now another header to try
   * @throws DIMGX_REGISTRY_*, TokenRefusal, HttpFailure
   */
  async answer(reply: ChallengeReply & { readonly status: number }, isOwn: boolean, shown: string | undefined) {
    const { url, status } = reply;
    if (!hasChallenge(reply) || (status === 404 && shown !== undefined)) return false;
    const authorization = isOwn ? this.#access.own : this.#access.elsewhere(url);
    return this.#answer(authorization, reply, isOwn ? this.#scope : scopeOf(url), shown);
  }

  /**
   * Answers the challenge of a registry's `/v2/`, for a registry that denies the request without a challenge. `/v2/` is
   * asked once, and only when there are credentials.
   *
   * @param place a URL in the registry
   * @returns as `answer`
   */
  async answerTop(
    place: URL,
    isOwn: boolean,
    askTop: (registry: URL) => Promise<ChallengeReply | undefined>,
  ): Promise<boolean> {
    const { origin, pathname } = place;
    if (this.#askedTops.has(origin) || (!isOwn && !pathname.startsWith('/v2/'))) return false;
    const authorization = isOwn ? this.#access.own : this.#access.elsewhere(place);
    if (!(await authorization.hasCredentials(place))) return false;
    this.#askedTops.add(origin);
    const reply = await askTop(place);
    if (reply?.url.origin !== origin) return false;
    return this.#answer(authorization, reply, isOwn ? this.#scope : scopeOf(place), undefined);
  }

  async #answer(authorization: Authorization, reply: ChallengeReply, scope: string, shown: string | undefined) {
    const tried = this.#tried.get(authorization) ?? new Set<string>();
    this.#tried.set(authorization, tried);
    const header = await authorization.answer(reply, scope, shown, tried);
    if (header !== undefined) this.#headers.set(reply.url.origin, header);
    return header !== undefined;
  }
}

function hasChallenge(reply: ChallengeReply): boolean {
  return parseChallenges(reply.headers('www-authenticate')).some(({ scheme }) => /^(?:bearer|basic)$/.test(scheme));
}

function keyOf(url: URL): string {
  return `${url.origin} ${scopeOf(url)}`;
}

/** The scope that a token must allow there, as far as the URL shows. */
function scopeOf({ pathname }: URL): string {
  const [, name] = /^\/v2\/(.+)\/(?:manifests|blobs|tags)\/[^/]+$/.exec(pathname) ?? [];
  return name === undefined ? '' : `repository:${name}:pull`;
}
