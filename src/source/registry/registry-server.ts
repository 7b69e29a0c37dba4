import { setTimeout as sleep } from 'node:timers/promises';
import { DimgxError, throwIfAborted } from '../../errors.js';
import { printable } from '../../image/printable.js';
import type { Authorization } from './authorization.js';
import { followRedirects } from './follow-redirects.js';
import type { HttpClient, HttpReply } from './http-client.js';
import { HttpFailure } from './http-failure.js';
import { readBeginning, readReply } from './read-reply.js';
import { RegistryRefusal } from './registry-refusal.js';
import { parseRetryAfter, type RetryDelays, retryDelay } from './retry-delay.js';

/** How a failed request is made again. */
export interface Retries extends RetryDelays {
  /** Of one request, the first among them. */
  readonly attempts: number;
  /** What a server may want to be waited for, in milliseconds. */
  readonly patience: number;
}

export interface RegistryServerOptions {
  readonly http: HttpClient;
  readonly authorization: Authorization;
  /** As URLs, without a path: the first that speaks its scheme is taken. */
  readonly origins: readonly [string, ...string[]];
  readonly isInsecure: boolean;
  readonly retries: Retries;
  readonly signal?: AbortSignal | undefined;
}

export interface RegistryRequest {
  /** Behind `/v2/`, or all of it from the slash on. */
  readonly path: string;
  /** What a token must allow. */
  readonly scope: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Of what a registry says when it refuses, in bytes. */
const MAX_REFUSAL = 2 ** 16;

/** A place that speaks the API of registries: a registry itself, or a mirror of it. Source: OCI distribution-spec. */
export class RegistryServer {
  readonly http: HttpClient;
  readonly #options: RegistryServerOptions;
  readonly #origins: string[];
  #hasAnswered = false;

  constructor(options: RegistryServerOptions) {
    this.#options = options;
    this.http = options.http;
    this.#origins = options.origins.map((origin) => new URL(origin).origin);
  }

  /** Of one request, the first among them. */
  get attempts(): number {
    return this.#options.retries.attempts;
  }

  /** `https://registry-1.docker.io`; printable. */
  get location(): string {
    return printable(this.#origins[0] ?? '', 300);
  }

  /**
   * A document, asked for again when the registry was only busy, or the answer cut.
   *
   * @param limit in bytes
   * @throws DIMGX_IMAGE_TOO_LARGE, and as `open`
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
   * Asks once, shows what the registry wants to be shown, and follows where it leads to.
   *
   * @returns an answer of 200 or 206
   * @throws RegistryRefusal, HttpFailure, DIMGX_SOURCE_REGISTRY_*, DIMGX_ABORTED
   */
  async open(request: RegistryRequest): Promise<HttpReply> {
    const { authorization } = this.#options;
    const shown = await authorization.header(request.scope);
    const reply = await this.#ask(request, shown);
    if (reply.status !== 401 || reply.url.origin !== this.#origins[0]) return this.#require(reply);
    const header = await authorization.answer(reply, request.scope, shown);
    if (header === undefined) return this.#require(reply);
    reply.body.destroy();
    return this.#require(await this.#ask(request, header));
  }

  /** Asks another server, which is shown nothing. @throws as `open` */
  async openElsewhere(url: URL, headers: Readonly<Record<string, string>>): Promise<HttpReply> {
    return this.#require(await followRedirects(this.http, url, headers, this.#options.isInsecure));
  }

  /** Whether what failed may go well the next time. */
  isPassing(failure: unknown): boolean {
    if (failure instanceof RegistryRefusal) {
      return failure.isPassing && (failure.retryAfter ?? 0) <= this.#options.retries.patience;
    }
    if (!(failure instanceof HttpFailure)) return false;
    return failure.kind === 'cut' || (failure.kind === 'unreachable' && this.#hasAnswered);
  }

  /** Waits before the next attempt, as long as the server wants, if it does. @throws DIMGX_ABORTED */
  async wait(attempt: number, failure: unknown): Promise<void> {
    const { retries, signal } = this.#options;
    const wanted = failure instanceof RegistryRefusal ? failure.retryAfter : undefined;
    await sleep(retryDelay(attempt, retries, wanted), undefined, { ...(signal && { signal }) }).catch(() => undefined);
    throwIfAborted(signal);
  }

  /**
   * What went wrong, as an error of dimgx.
   *
   * @param request what was asked for, printable
   * @param location where, printable
   */
  async explain(failure: unknown, request: string, location = this.location): Promise<DimgxError> {
    if (failure instanceof DimgxError) return failure;
    const what = `${request} cannot be had from ${location}`;
    const said = await this.#options.authorization.redact((failure as Error).message);
    if (failure instanceof RegistryRefusal) {
      const isDenied = failure.status === 401 || failure.status === 403;
      return coded(isDenied ? 'DENIED' : 'FAILED', `${what}: ${said}`, failure);
    }
    if (!(failure instanceof HttpFailure)) throw failure;
    if (failure.kind === 'tls') {
      return coded(
        'TLS',
        `${what}: ${said}: name its authority by --ca-file, or leave it unchecked by --insecure`,
        failure,
      );
    }
    if (failure.kind === 'plain') {
      return coded('TLS', `${what}: it speaks plain HTTP, which nothing protects: --insecure allows it`, failure);
    }
    return coded(failure.kind === 'unreachable' ? 'UNREACHABLE' : 'FAILED', `${what}: ${said}`, failure);
  }

  /** The first of its addresses that speaks its scheme is the only one from then on. */
  async #ask(request: RegistryRequest, authorization: string | undefined): Promise<HttpReply> {
    const { http, isInsecure } = this.#options;
    const headers = { ...request.headers, ...(authorization !== undefined && { authorization }) };
    for (;;) {
      const [origin = '', other] = this.#origins;
      try {
        const reply = await followRedirects(http, new URL(this.#pathOf(request), origin), headers, isInsecure);
        this.#hasAnswered = true;
        this.#origins.splice(1);
        return reply;
      } catch (failure) {
        const isOther = failure instanceof HttpFailure && ['plain', 'cut', 'unreachable'].includes(failure.kind);
        if (this.#hasAnswered || other === undefined || !isOther) throw failure;
        if (this.#origins[0] === origin) this.#origins.shift();
      }
    }
  }

  #pathOf({ path }: RegistryRequest): string {
    return path.startsWith('/') ? path : `/v2/${path}`;
  }

  async #require(reply: HttpReply): Promise<HttpReply> {
    const { status } = reply;
    if (status === 200 || status === 206) return reply;
    const [header] = reply.headers('retry-after');
    const said = await readBeginning(this.http, reply, MAX_REFUSAL);
    throw new RegistryRefusal(status, said, parseRetryAfter(header, Date.now()));
  }
}

function coded(what: 'DENIED' | 'FAILED' | 'TLS' | 'UNREACHABLE', message: string, cause: Error): DimgxError {
  return new DimgxError(`DIMGX_SOURCE_REGISTRY_${what}`, message, { cause });
}
