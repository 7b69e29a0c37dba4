import { setTimeout as sleep } from 'node:timers/promises';
import { type Followed, followRedirects, type HttpClient, type HttpReply } from '../base/http/http-client.js';
import { HttpFailure, parseRetryAfter, type RetryDelays, retryDelay } from '../base/http/http-failure.js';
import { readBeginning, readReply } from '../base/http/read-reply.js';
import { printable } from '../base/text/printable.js';
import { DimgxError, type ErrorDetails, throwIfAborted } from '../errors.js';
import { AccessAttempt, type RegistryAccess } from './registry-access.js';
import { Refusal, RegistryRefusal, TokenRefusal } from './registry-refusal.js';

/** The policy for retries. */
export interface Retries extends RetryDelays {
  /** Maximum number of attempts for one request, including the first. */
  readonly attempts: number;
  /** Longest delay that a server may ask for, in milliseconds. */
  readonly patience: number;
}

export interface RegistryServerOptions {
  readonly http: HttpClient;
  /** As in image names: `docker.io`, `HOST:PORT`. */
  readonly registry: string;
  readonly access: RegistryAccess;
  /** URLs without a path. The first that speaks its scheme is used. */
  readonly origins: readonly [string, ...string[]];
  readonly isInsecure: boolean;
  /** Credentials are only being checked, so error messages do not suggest `dimgx login`. */
  readonly isLogin: boolean;
  readonly retries: Retries;
  readonly signal?: AbortSignal | undefined;
}

export interface RegistryRequest {
  /** Relative to `/v2/`, or absolute if it starts with a slash. */
  readonly path: string;
  /** What a token must allow. */
  readonly scope: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Maximum size read from the body of a refusal, in bytes. */
const MAX_REFUSAL = 2 ** 16;

/** How often one request may be repeated with another authorization. */
const MAX_ANSWERS = 8;

/** A server of the registry API: a registry itself, or a mirror. Source: OCI distribution-spec. */
export class RegistryServer {
  readonly http: HttpClient;
  readonly #options: RegistryServerOptions;
  readonly #origins: string[];
  #hasAnswered = false;
  /** Replies of registries to `/v2/`, by origin. Needed for requests that are refused without a challenge. */
  readonly #tops = new Map<string, Promise<HttpReply | undefined>>();

  constructor(options: RegistryServerOptions) {
    this.#options = options;
    this.http = options.http;
    this.#origins = options.origins.map((origin) => new URL(origin).origin);
  }

  /** Maximum number of attempts for one request, including the first. */
  get attempts(): number {
    return this.#options.retries.attempts;
  }

  /** For example `https://registry-1.docker.io`; printable. */
  get location(): string {
    return printable(this.#origins[0] ?? '', 300);
  }

  /**
   * Reads a document. Retries if the registry was busy or the answer was cut.
   *
   * @param limit in bytes
   * @throws DIMGX_IMAGE_DOCUMENT_TOO_LARGE, and as `open`
   */
  async read(request: RegistryRequest, limit: number): Promise<{ readonly reply: HttpReply; readonly bytes: Buffer }> {
    for (let attempt = 1; ; attempt++) {
      try {
        const reply = await this.open(request);
        return { reply, bytes: await readReply(this.http, reply, limit) };
      } catch (failure) {
        if (!this.isPassing(failure) || attempt >= this.attempts) throw failure;
        await this.wait(attempt, failure);
      }
    }
  }

  /**
   * Makes one request, with authorization if the registry asks for it, and follows redirects.
   *
   * @returns an answer with status 200 or 206
   * @throws RegistryRefusal, HttpFailure, DIMGX_REGISTRY_*, DIMGX_ABORTED
   */
  async open(request: RegistryRequest): Promise<HttpReply> {
    const attempt = new AccessAttempt(this.#options.access, request.scope);
    for (let count = 0; ; count++) {
      const { reply, shown, ownShown } = await this.#ask(request, attempt);
      const isDenied = [401, 403, 404].includes(reply.status) && count < MAX_ANSWERS;
      if (!isDenied || !(await this.#answer(attempt, reply, shown, ownShown))) return this.#require(reply);
      reply.body.destroy();
    }
  }

  /** Makes a request to another server, without authorization. @throws as `open` */
  async openElsewhere(url: URL, headers: Readonly<Record<string, string>>): Promise<HttpReply> {
    const { isInsecure } = this.#options;
    return this.#require((await followRedirects(this.http, url, headers, { isInsecure })).reply);
  }

  /** Whether the failure is worth a retry. */
  isPassing(failure: unknown): boolean {
    if (failure instanceof Refusal) {
      return failure.isPassing && (failure.retryAfter ?? 0) <= this.#options.retries.patience;
    }
    if (!(failure instanceof HttpFailure)) return false;
    return failure.kind === 'cut' || (['unreachable', 'nameless'].includes(failure.kind) && this.#hasAnswered);
  }

  /** Waits before the next attempt, for as long as the server asked, if it did. @throws DIMGX_ABORTED */
  async wait(attempt: number, failure: unknown): Promise<void> {
    const { retries, signal } = this.#options;
    const wanted = failure instanceof Refusal ? failure.retryAfter : undefined;
    await sleep(retryDelay(attempt, retries, wanted), undefined, { ...(signal && { signal }) }).catch(() => undefined);
    throwIfAborted(signal);
  }

  /**
   * Converts a failure to an error of dimgx.
   *
   * @param request what was asked for, printable
   * @param location where, printable
   */
  async explain(failure: unknown, request: string, location = this.location): Promise<DimgxError> {
    if (failure instanceof DimgxError) return failure;
    const what = `cannot get ${request} from ${location}`;
    if (failure instanceof Refusal) {
      const said = `${await this.saidIn(failure)}${this.#proxyOf(failure)}`;
      if (!failure.isDenial) return coded('FAILED', `${what}: ${said}`, failure);
      const { advice, ...details } = await this.#loginAdvice(failure);
      return coded('DENIED', `${what}: ${said}${advice}`, failure, details);
    }
    const redact = await this.#options.access.redactor();
    const said = redact((failure as Error).message);
    if (!(failure instanceof HttpFailure)) throw failure;
    if (failure.kind === 'tls') {
      return coded('TLS', `${what}: ${said}`, failure, { options: ['caFile', 'insecure'] });
    }
    if (failure.kind === 'plain') {
      return coded('TLS', `${what}: it uses plain HTTP, which is not encrypted`, failure, { options: ['insecure'] });
    }
    if (failure.kind === 'identity') {
      const advice = 'put NAME.cert and NAME.key into certs.d';
      return coded('TLS', `${what}: ${said}: ${advice}`, failure, { options: ['certDir'] });
    }
    const isUnreachable = ['unreachable', 'nameless', 'proxy'].includes(failure.kind);
    return coded(isUnreachable ? 'UNREACHABLE' : 'FAILED', `${what}: ${said}`, failure);
  }

  /** The server's words from a refusal, without any secrets; printable. */
  async saidIn(refusal: Refusal): Promise<string> {
    return refusal.said(await this.#options.access.redactor());
  }

  async #loginAdvice(refusal: Refusal): Promise<{ readonly advice: string; readonly registry?: string }> {
    const { access, registry, isLogin } = this.#options;
    if (isLogin) return { advice: '' };
    const isElsewhere = refusal.registry.origin !== this.#origins[0];
    const host = isElsewhere ? refusal.registry.host : registry;
    const others = (await access.own.hasCredentials(new URL(this.#origins[0] ?? ''))) && !isElsewhere;
    const shown = printable(host, 200);
    return { advice: `: ${shown} wants ${others ? 'other ' : ''}credentials`, registry: shown };
  }

  /** @returns whether there is now another authorization to try */
  async #answer(attempt: AccessAttempt, reply: HttpReply, shown: string | undefined, ownShown: string | undefined) {
    const own = new URL(this.#origins[0] ?? '');
    const isOwn = reply.url.origin === own.origin;
    if (await attempt.answer(reply, isOwn, shown)) return true;
    const askTop = (registry: URL) => this.#askTop(registry);
    try {
      if (ownShown === undefined && (await attempt.answerTop(own, true, askTop))) return true;
      return !isOwn && shown === undefined && (await attempt.answerTop(reply.url, false, askTop));
    } catch (failure) {
      // a missing thing stays missing, whatever is wrong with the credentials
      if (reply.status === 404 && failure instanceof TokenRefusal && !failure.isPassing) return false;
      throw failure;
    }
  }

  /** Any HttpFailure counts as no reply. */
  #askTop(registry: URL): Promise<HttpReply | undefined> {
    const { http, isInsecure } = this.#options;
    const known = this.#tops.get(registry.origin);
    if (known) return known;
    const top = followRedirects(http, new URL('/v2/', registry), {}, { isInsecure }).then(
      ({ reply }) => {
        reply.body.destroy();
        return reply;
      },
      (failure: unknown) => {
        if (failure instanceof HttpFailure) return undefined;
        throw failure;
      },
    );
    this.#tops.set(registry.origin, top);
    return top;
  }

  /** Over plain HTTP, a proxy may have answered in place of the registry. */
  #proxyOf({ status }: Refusal): string {
    const url = new URL(this.#origins[0] ?? '');
    const proxy =
      [403, 502, 503, 504].includes(status) && url.protocol === 'http:' ? this.http.proxyOf(url) : undefined;
    return proxy === undefined ? '' : ` (through the proxy ${proxy})`;
  }

  /** The first origin that speaks its scheme is the only one used from then on. */
  async #ask(
    request: RegistryRequest,
    attempt: AccessAttempt,
  ): Promise<Followed & { readonly ownShown: string | undefined }> {
    const { http, isInsecure } = this.#options;
    const headerAt = (url: URL) => attempt.headerAt(url);
    for (;;) {
      const [origin = '', other] = this.#origins;
      const authorization = await attempt.ownHeader(origin);
      const headers = { ...request.headers, ...(authorization !== undefined && { authorization }) };
      try {
        const url = new URL(this.#pathOf(request), origin);
        const followed = await followRedirects(http, url, headers, { isInsecure, headerAt });
        this.#hasAnswered = true;
        this.#origins.splice(1);
        return { ...followed, ownShown: authorization };
      } catch (failure) {
        if (this.#hasAnswered || other === undefined || !this.#mayAnswerAt(other, failure)) throw failure;
        if (this.#origins[0] === origin) this.#origins.shift();
      }
    }
  }

  /** A name that cannot be resolved here may be known to the proxy of the other scheme. */
  #mayAnswerAt(origin: string, failure: unknown): boolean {
    if (!(failure instanceof HttpFailure)) return false;
    if (failure.kind === 'nameless') return this.http.proxyOf(new URL(origin)) !== undefined;
    return ['plain', 'cut', 'unreachable'].includes(failure.kind);
  }

  #pathOf({ path }: RegistryRequest): string {
    return path.startsWith('/') ? path : `/v2/${path}`;
  }

  async #require(reply: HttpReply): Promise<HttpReply> {
    const { status } = reply;
    if (status === 200 || status === 206) return reply;
    const [header] = reply.headers('retry-after');
    const body = await readBeginning(this.http, reply, MAX_REFUSAL);
    throw new RegistryRefusal({ status, url: reply.url, body, retryAfter: parseRetryAfter(header, Date.now()) });
  }
}

function coded(
  what: 'DENIED' | 'FAILED' | 'TLS' | 'UNREACHABLE',
  message: string,
  cause: Error,
  details: ErrorDetails = {},
): DimgxError {
  return new DimgxError(`DIMGX_REGISTRY_${what}`, message, { ...details, cause });
}
