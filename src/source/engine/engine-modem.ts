import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { stringify } from 'node:querystring';
import { DimgxError } from '../../errors.js';
import { parseJson } from '../../image/document.js';
import { printable } from '../../image/printable.js';
import { EngineAgent } from './engine-agent.js';
import { EngineRefusal, EngineStall, engineError, isCut } from './engine-error.js';
import { EngineStream, readBody } from './engine-stream.js';
import type { Candidate } from './find-endpoint.js';

/** How long is waited for an engine, in milliseconds. */
export interface EngineTimeouts {
  /** For the first answer, which the connection is made for. */
  readonly connect: number;
  /** For the beginning of every other answer, and while the engine pulls: it may have work to do. */
  readonly answer: number;
  /** Within an answer. */
  readonly idle: number;
}

export interface EngineConnection extends Candidate {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal: AbortSignal | undefined;
  readonly timeouts: EngineTimeouts;
}

/** What dockerode asks of its modem, as far as it matters here. */
interface Dial {
  /** Ends in `?` where `options` are a query. */
  readonly path: string;
  readonly method: string;
  /** Whether the answer is passed on as it comes. */
  readonly isStream?: boolean;
  readonly options?: Readonly<Record<string, string | number | boolean>>;
  /** Credentials for a registry, as a header's value. */
  readonly authconfig?: string | undefined;
}

/** Of a document that an engine answers, in bytes: a list of images can be long. */
const MAX_ANSWER = 64 * 2 ** 20;

/** Of what an engine says when it refuses, in bytes; the rest is not read. */
const MAX_REFUSAL = 64 * 2 ** 10;

/**
 * Speaks HTTP to one engine, in the place of dockerode's own modem, which knows neither contexts nor the `ssh` program,
 * follows redirections, holds answers of any length and waits for ever when one is cut. All its errors are coded.
 */
export class EngineModem {
  readonly #connection: EngineConnection;
  readonly #agent: EngineAgent;
  #hasAnswered = false;
  #isClosed = false;
  /** Of the engine's API, before all paths; none before it is known. */
  version: string | undefined;

  constructor(connection: EngineConnection) {
    this.#connection = connection;
    this.#agent = new EngineAgent(connection.endpoint, connection.env);
  }

  /** For dockerode. */
  dial(dial: Dial, callback: (failure: unknown, answer?: unknown) => void): void {
    this.#answer(dial).then(
      (answer) => callback(null, answer),
      (failure) => callback(failure),
    );
  }

  /**
   * What the engine says of itself.
   *
   * @throws DIMGX_SOURCE_NO_ENGINE, DIMGX_SOURCE_ENGINE_DENIED, DIMGX_SOURCE_ENGINE_TLS, DIMGX_SOURCE_ENGINE_FAILED
   */
  askVersion(): Promise<unknown> {
    return this.#answer({ path: '/version', method: 'GET' });
  }

  /** The coded error for a failure at a request. */
  explain(cause: unknown, request: string): DimgxError {
    const { endpoint, location, signal } = this.#connection;
    return engineError(cause, { endpoint, location, request, hasAnswered: this.#hasAnswered, signal });
  }

  /** Fails what is under way. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#agent.close();
  }

  async #answer({ path, method, isStream = false, options = {}, authconfig }: Dial): Promise<unknown> {
    const [place = '', hasQuery] = path.split('?');
    const query = hasQuery === undefined ? '' : `?${stringify(options)}`;
    const name = `${method} ${printable(place, 200)}`;
    const explain = (cause: unknown) => this.explain(cause, name);
    const { timeouts, signal } = this.#connection;
    try {
      const message = await this.#send(method, `${place}${query}`, authconfig);
      const idle = method === 'POST' ? timeouts.answer : timeouts.idle;
      const isDelimited = isStream && message.statusCode === 200;
      const body = new EngineStream(message, { idle, isDelimited, signal, explain });
      if (message.statusCode !== 200) throw await refusalOf(body);
      this.#hasAnswered = true;
      return isStream ? body : await readJson(body);
    } catch (cause) {
      throw explain(cause);
    }
  }

  /** A connection that was kept may have been ended by the engine meanwhile: then a new one is made, once. */
  async #send(method: string, path: string, auth: string | undefined): Promise<IncomingMessage> {
    if (this.#isClosed) throw new Error('the engine was closed by its user');
    const first = this.#request(method, path, auth);
    try {
      return await this.#response(first);
    } catch (failure) {
      const isStale = first.reusedSocket && isCut(failure) && method === 'GET' && !this.#isClosed;
      if (!isStale) throw failure;
      return await this.#response(this.#request(method, path, auth));
    }
  }

  #request(method: string, path: string, auth: string | undefined): ClientRequest {
    const { endpoint, headers, signal } = this.#connection;
    const isTcp = endpoint.kind === 'tcp';
    const version = this.version === undefined ? '' : `/v${this.version}`;
    return httpRequest({
      method,
      agent: this.#agent,
      // not the name of the machine where the connection is no one's but the engine's
      host: isTcp ? endpoint.host : 'docker',
      ...(isTcp && { port: endpoint.port }),
      path: `${isTcp ? endpoint.prefix : ''}${version}${path}`,
      headers: { ...headers, ...(auth !== undefined && { 'X-Registry-Auth': auth }) },
      ...(signal && { signal }),
    });
  }

  #response(request: ClientRequest): Promise<IncomingMessage> {
    const { connect, answer } = this.#connection.timeouts;
    const wait = this.#hasAnswered ? answer : connect;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => request.destroy(new EngineStall(wait)), wait);
      request.once('response', resolve);
      request.on('error', reject); // also when it fails again after that
      request.once('close', () => reject(new Error('the connection was cut')));
      for (const event of ['response', 'error', 'close']) request.once(event, () => clearTimeout(timer));
      request.end();
    });
  }
}

/** The engine's words, as far as they can be had. */
async function refusalOf(body: EngineStream): Promise<EngineRefusal> {
  const { status } = body;
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      if (chunks.reduce((sum, { length }) => sum + length, 0) > MAX_REFUSAL) break;
    }
  } catch (failure) {
    if (failure instanceof DimgxError && failure.code === 'DIMGX_ABORTED') throw failure;
  }
  const text = Buffer.concat(chunks).toString();
  return new EngineRefusal(status, messageIn(text) ?? text);
}

function messageIn(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text);
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

async function readJson(body: EngineStream): Promise<unknown> {
  const tooLong = () => new Error(`its answer is longer than ${MAX_ANSWER} bytes`);
  return parseJson(await readBody(body, MAX_ANSWER, tooLong), 'its answer');
}
