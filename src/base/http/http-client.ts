import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { DimgxError, throwIfAborted } from '../../errors.js';
import { printable } from '../text/printable.js';
import { bareHost, type ConnectionSettings, Connections, isLoopback } from './connections.js';
import { HttpFailure, httpFailure } from './http-failure.js';

/** Timeouts for a server, in milliseconds. */
export interface HttpTimeouts {
  readonly connect: number;
  /** For the TLS handshake, once connected. */
  readonly greeting: number;
  /** For the start of the response. */
  readonly answer: number;
  /** Between pieces of the body, while the reader is waiting. */
  readonly idle: number;
}

export interface HttpClientOptions extends ConnectionSettings {
  readonly signal?: AbortSignal | undefined;
  readonly timeouts: HttpTimeouts;
}

export interface HttpRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpReply {
  readonly url: URL;
  readonly status: number;
  /** Read it with `HttpClient.pieces`, or destroy it. */
  readonly body: Readable;
  /** All values of a header, by lower-case name. */
  headers(name: string): readonly string[];
}

const USER_AGENT = 'dimgx';

/**
 * Minimum number of bytes per idle timeout; receiving less counts as a stall, because a trickle could hold a transfer
 * forever. At 30 s this is 2 KiB/s; usable connections are faster.
 */
const LEAST_RECEIVED = 2 ** 16;

/** Sends single requests: no redirects, no credentials, no retries. Connections are kept open until `close`. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #connections: Connections;
  /** Origins that have answered at least once. */
  readonly #answered = new Set<string>();
  #isClosed = false;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#connections = new Connections(options);
  }

  /** The proxy used for a URL; printable. */
  proxyOf(url: URL): string | undefined {
    return this.#connections.proxyOf(url);
  }

  /** @throws HttpFailure; DIMGX_ABORTED; DIMGX_REGISTRY_TLS when certificates cannot be read */
  async send(url: URL, wanted: HttpRequest = {}): Promise<HttpReply> {
    for (;;) {
      throwIfAborted(this.#options.signal);
      if (this.#isClosed) throw new HttpFailure('refused', 'the image was closed');
      const connection = this.#connections.to(url);
      try {
        const reply = await this.#request(await connection, url, wanted);
        this.#answered.add(url.origin);
        return reply;
      } catch (cause) {
        throwIfAborted(this.#options.signal);
        if (cause instanceof DimgxError) throw cause;
        const failure = this.#connections.explain(url, cause, !this.#answered.has(url.origin));
        // if the connection failed, no request has been sent yet
        if (!this.#connections.adapt(url, failure, connection)) throw failure;
      }
    }
  }

  /**
   * Yields the pieces of a body. Rejects when the server sends nothing, or next to nothing, for too long while the
   * reader is waiting. Time the reader spends between pieces does not count.
   *
   * @throws HttpFailure, DIMGX_ABORTED
   */
  async *pieces({ body }: HttpReply): AsyncGenerator<Buffer, void> {
    const { signal, timeouts } = this.#options;
    let isListening = true;
    const stall = () => body.destroy(new HttpFailure('cut', `no data for ${timeouts.idle / 1000} s`));
    const timer = setTimeout(() => isListening && stall(), timeouts.idle);
    let received = { bytes: 0, within: 0 };
    let since = performance.now();
    try {
      for await (const piece of body as AsyncIterable<Buffer>) {
        isListening = false;
        received = { bytes: received.bytes + piece.length, within: received.within + performance.now() - since };
        if (received.bytes >= LEAST_RECEIVED) received = { bytes: 0, within: 0 };
        yield piece;
        if (received.within >= timeouts.idle)
          throw new HttpFailure('cut', `almost no data for ${timeouts.idle / 1000} s`);
        isListening = true;
        since = performance.now();
        timer.refresh();
      }
    } catch (cause) {
      throwIfAborted(signal);
      throw httpFailure(cause);
    } finally {
      clearTimeout(timer);
      body.destroy();
    }
  }

  /** Closes all connections, and opens no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connections.close();
  }

  async #request(dispatcher: Dispatcher, url: URL, { method = 'GET', headers = {}, body }: HttpRequest) {
    const { timeouts } = this.#options;
    const { request } = await import('undici');
    const { signal, release } = this.#patience(url);
    const reply = await request(url, {
      dispatcher,
      method,
      headers: { 'user-agent': USER_AGENT, 'accept-encoding': 'identity', ...headers },
      headersTimeout: timeouts.answer,
      bodyTimeout: 0,
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
    }).finally(release);
    reply.body.on('error', () => undefined); // its reader rejects
    const { statusCode: status } = reply;
    return { url, status, body: reply.body, headers: (name: string) => [reply.headers[name] ?? []].flat() };
  }

  /** Adds a timeout for SOCKS proxies, where undici waits forever for a connection. */
  #patience(url: URL): { readonly signal: AbortSignal | undefined; readonly release: () => void } {
    const { signal, timeouts } = this.#options;
    if (!this.#connections.proxyOf(url)?.startsWith('socks')) return { signal, release: () => undefined };
    const limit = timeouts.connect + timeouts.answer;
    const own = new AbortController();
    const late = () => own.abort(new HttpFailure('unreachable', `no answer for ${limit / 1000} s`));
    const timer = setTimeout(late, limit);
    const both = signal ? AbortSignal.any([signal, own.signal]) : own.signal;
    return { signal: both, release: () => clearTimeout(timer) };
  }
}

const MAX_REDIRECTS = 10;

interface RedirectOptions {
  /** Whether redirects from TLS to plain HTTP are allowed. */
  readonly isInsecure: boolean;
  /** Authorization header for another origin that has asked for one before. Default: none. */
  readonly headerAt?: (url: URL) => Promise<string | undefined>;
}

/** The response after all redirects. */
export interface Followed {
  readonly reply: HttpReply;
  /** The authorization header sent with that request. */
  readonly shown: string | undefined;
}

/**
 * Sends a request and follows redirects. The given `authorization` goes only to the original host and port, and not
 * even there once a redirect has left it and come back. Redirects from TLS to plain HTTP are refused.
 *
 * @throws HttpFailure, DIMGX_ABORTED
 */
export async function followRedirects(
  http: HttpClient,
  from: URL,
  headers: Readonly<Record<string, string>>,
  { isInsecure, headerAt }: RedirectOptions,
): Promise<Followed> {
  let url = from;
  let hasLeft = false;
  const others = withoutCredentials(headers);
  let shown = headers.authorization;
  for (let count = 0; count <= MAX_REDIRECTS; count++) {
    const reply = await http.send(url, {
      headers: { ...others, ...(shown !== undefined && { authorization: shown }) },
    });
    const [location] = reply.headers('location');
    if (![301, 302, 303, 307, 308].includes(reply.status) || location === undefined) return { reply, shown };
    reply.body.destroy();
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (!next || !isAllowed(next, url, isInsecure)) throw redirectRefused(url, location);
    hasLeft ||= next.origin !== from.origin;
    if (hasLeft) shown = next.origin === from.origin ? undefined : await headerAt?.(next);
    url = next;
  }
  throw new HttpFailure('refused', `there are more than ${MAX_REDIRECTS} redirects`);
}

function isAllowed(next: URL, { protocol, hostname }: URL, isInsecure: boolean): boolean {
  if (next.username !== '' || next.password !== '') return false;
  if (next.protocol === 'https:') return true;
  const stays = protocol === 'http:' || isInsecure || isLoopback(bareHost(hostname));
  return next.protocol === 'http:' && stays;
}

function withoutCredentials({ authorization: _, ...others }: Readonly<Record<string, string>>) {
  return others;
}

export function redirectRefused({ host }: URL, location: string): HttpFailure {
  // query and fragment of such URLs often serve as a password
  const place = printable(location.replace(/[?#].*$/s, ''), 200);
  return new HttpFailure('refused', `${printable(host, 200)} redirects to "${place}", which is not allowed`);
}
