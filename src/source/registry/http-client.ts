import type { Readable } from 'node:stream';
import { rootCertificates } from 'node:tls';
import type { Agent, Dispatcher } from 'undici';
import { throwIfAborted } from '../../errors.js';
import { hostCertificates, readCertificate } from './host-certificates.js';
import { HttpFailure, httpFailure } from './http-failure.js';
import { proxyFor } from './proxy.js';

/** How long a server may take, in milliseconds. */
export interface HttpTimeouts {
  readonly connect: number;
  /** For the beginning of an answer. */
  readonly answer: number;
  /** Within, while it is listened to. */
  readonly idle: number;
}

export interface HttpClientOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of authorities that are trusted beside the usual ones; PEM. */
  readonly caFile?: string | undefined;
  /** Whether the certificates of these hosts, by `HOST[:PORT]`, are not checked. */
  readonly isInsecure: (host: string) => boolean;
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
  readonly #dispatchers = new Map<string, Promise<Dispatcher>>();
  #isClosed = false;

  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /** @throws HttpFailure; DIMGX_ABORTED; DIMGX_SOURCE_REGISTRY_TLS when certificates cannot be read */
  async send(url: URL, { method = 'GET', headers = {}, body }: HttpRequest = {}): Promise<HttpReply> {
    const { signal, timeouts } = this.#options;
    throwIfAborted(signal);
    if (this.#isClosed) throw new HttpFailure('refused', 'the image was closed');
    const dispatcher = await this.#dispatcher(url);
    const { request } = await import('undici');
    try {
      const reply = await request(url, {
        dispatcher,
        method,
        headers: { 'user-agent': USER_AGENT, ...headers },
        headersTimeout: timeouts.answer,
        bodyTimeout: 0,
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
      });
      reply.body.on('error', () => undefined); // whoever reads it is told
      return {
        url,
        status: reply.statusCode,
        body: reply.body,
        headers: (name) => [reply.headers[name] ?? []].flat(),
      };
    } catch (cause) {
      throwIfAborted(signal);
      throw httpFailure(cause);
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
    const dispatchers = await Promise.allSettled(this.#dispatchers.values());
    await Promise.all(dispatchers.map((each) => each.status === 'fulfilled' && each.value.destroy()));
  }

  #dispatcher(url: URL): Promise<Dispatcher> {
    const known = this.#dispatchers.get(url.origin);
    if (known) return known;
    const made = this.#connect(url);
    this.#dispatchers.set(url.origin, made);
    return made;
  }

  async #connect(url: URL): Promise<Dispatcher> {
    const { env, timeouts } = this.#options;
    const { Agent, ProxyAgent } = await import('undici');
    const tls = url.protocol === 'https:' ? await this.#tlsOptions(url) : {};
    const connect = { timeout: timeouts.connect, ...tls };
    const options = { connect } satisfies Agent.Options;
    const proxy = proxyFor(url, env);
    if (proxy === undefined) return new Agent(options);
    try {
      return new ProxyAgent({ ...options, uri: proxy, requestTls: connect, proxyTunnel: false });
    } catch {
      // the address may hold a password
      throw new HttpFailure('unreachable', 'the address of the proxy in the environment is malformed');
    }
  }

  async #tlsOptions({ host }: URL): Promise<object> {
    const { caFile, env, isInsecure } = this.#options;
    const { authorities, client } = await hostCertificates(host, env);
    const own = caFile === undefined ? authorities : [...authorities, await readCertificate(caFile)];
    return {
      ...(own.length > 0 && { ca: [...rootCertificates, ...own] }),
      ...client,
      rejectUnauthorized: !isInsecure(host),
    };
  }
}
