import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { DimgxError, throwIfAborted } from '../../errors.js';
import { type ConnectionSettings, Connections } from './connections.js';
import { HttpFailure, httpFailure } from './http-failure.js';

/** How long a server may take, in milliseconds. */
export interface HttpTimeouts {
  readonly connect: number;
  /** For the answer to a TLS greeting, once it is connected. */
  readonly greeting: number;
  /** For the beginning of an answer. */
  readonly answer: number;
  /** Within, while it is listened to. */
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
  /** To be read with `readPieces`, or destroyed. */
  readonly body: Readable;
  /** All values of a header, by its name in lower case. */
  headers(name: string): readonly string[];
}

const USER_AGENT = 'dimgx';

/**
 * Less than this, in bytes, within the time that a server may say nothing counts as nothing: one that trickles would hold
 * a transfer for ever. In 30 s it is 2 KiB/s, and lines in use are faster.
 */
const LEAST_HEARD = 2 ** 16;

/** Makes single requests: no redirects, no credentials, no second attempts. Connections to a host are kept until `close`. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #connections: Connections;
  /** Origins that have answered something. */
  readonly #answered = new Set<string>();
  #isClosed = false;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#connections = new Connections(options);
  }

  /** The proxy through which an address is reached; printable. */
  proxyOf(url: URL): string | undefined {
    return this.#connections.proxyOf(url);
  }

  /** @throws HttpFailure; DIMGX_ABORTED; DIMGX_SOURCE_REGISTRY_TLS when certificates cannot be read */
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
        // no request has been sent yet when it is the connection that fails
        if (!this.#connections.adapt(url, failure, connection)) throw failure;
      }
    }
  }

  /**
   * The pieces of a body. A server that says nothing, or next to nothing, for too long while it is listened to is left; a
   * reader that takes its time is not.
   *
   * @throws HttpFailure, DIMGX_ABORTED
   */
  async *pieces({ body }: HttpReply): AsyncGenerator<Buffer, void> {
    const { signal, timeouts } = this.#options;
    let isListening = true;
    const stall = () => body.destroy(new HttpFailure('cut', `it has said nothing for ${timeouts.idle / 1000} s`));
    const timer = setTimeout(() => isListening && stall(), timeouts.idle);
    let heard = { bytes: 0, within: 0 };
    let since = performance.now();
    try {
      for await (const piece of body as AsyncIterable<Buffer>) {
        isListening = false;
        heard = { bytes: heard.bytes + piece.length, within: heard.within + performance.now() - since };
        if (heard.bytes >= LEAST_HEARD) heard = { bytes: 0, within: 0 };
        yield piece;
        if (heard.within >= timeouts.idle)
          throw new HttpFailure('cut', `it has said next to nothing for ${timeouts.idle / 1000} s`);
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

  /** Ends all connections, and makes no more. */
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

  /** Through a SOCKS proxy, undici waits for a connection without an end. */
  #patience(url: URL): { readonly signal: AbortSignal | undefined; readonly release: () => void } {
    const { signal, timeouts } = this.#options;
    if (!this.#connections.proxyOf(url)?.startsWith('socks')) return { signal, release: () => undefined };
    const limit = timeouts.connect + timeouts.answer;
    const own = new AbortController();
    const late = () => own.abort(new HttpFailure('unreachable', `nothing comes for ${limit / 1000} s`));
    const timer = setTimeout(late, limit);
    const both = signal ? AbortSignal.any([signal, own.signal]) : own.signal;
    return { signal: both, release: () => clearTimeout(timer) };
  }
}
