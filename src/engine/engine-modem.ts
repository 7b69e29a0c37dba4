import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { stringify } from 'node:querystring';
import { type ByteSource, streamSource } from '../base/io/byte-source.js';
import type { Environment } from '../base/io/folders.js';
import { printable } from '../base/text/printable.js';
import type { DimgxError } from '../errors.js';
import { parseJson } from '../image/document.js';
import { formatAddress } from './endpoint.js';
import { EngineAgent } from './engine-agent.js';
import { EngineDownload } from './engine-download.js';
import { EngineRefusal, EngineStall, engineError, isCut } from './engine-error.js';
import { EngineStream, readBody } from './engine-stream.js';
import type { EngineCandidate } from './find-endpoint.js';

/** Timeouts, in milliseconds. */
export interface EngineTimeouts {
  /** For the first answer, including the time to connect. */
  readonly connect: number;
  /** For the beginning of every later answer, and during a pull: the engine may have work to do. */
  readonly answer: number;
  /** Between pieces of an answer. */
  readonly idle: number;
}

export interface ModemOptions extends EngineCandidate {
  readonly env: Environment;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal: AbortSignal | undefined;
  readonly timeouts: EngineTimeouts;
}

/** The part of dockerode's requests to its modem that matters here. */
interface Dial {
  /** Ends in `?` if `options` are the query. */
  readonly path: string;
  readonly method: string;
  /** Whether the answer is passed on as a stream. */
  readonly isStream?: boolean;
  readonly options?: Readonly<Record<string, string | number | boolean>>;
  /** Credentials for a registry, as the value of a header. */
  readonly authconfig?: string | undefined;
}

/** Maximum size of a document from the engine, in bytes: a list of images can be long. */
const MAX_ANSWER = 64 * 2 ** 20;

/** Used as the host name where the connection can only reach the engine. */
const NO_HOST = 'docker';

/** Maximum size read from a refusal, in bytes; the rest is ignored. */
const MAX_REFUSAL = 64 * 2 ** 10;

/**
 * Speaks HTTP to one engine. It replaces dockerode's own modem, which supports neither contexts nor the `ssh` program,
 * follows redirects, buffers answers of any length, and waits forever when one is cut. All its errors are coded.
 */
export class EngineModem {
  readonly #connection: ModemOptions;
  readonly #agent: EngineAgent;
  #hasAnswered = false;
  #isClosed = false;
  /** Version of the engine's API, prepended to all paths; `undefined` until it is known. */
  version: string | undefined;

  constructor(connection: ModemOptions) {
    this.#connection = connection;
    this.#agent = new EngineAgent(connection.endpoint, connection.env);
  }

  /** Whether the engine listens at a socket in the file system of this machine. */
  get isLocal(): boolean {
    return this.#connection.endpoint.kind === 'unix';
  }

  /** Called by dockerode. */
  dial(dial: Dial, callback: (failure: unknown, answer?: unknown) => void): void {
    this.#answer(dial).then(
      (answer) => callback(null, answer),
      (failure) => callback(failure),
    );
  }

  /** A modem for the same engine that adds a query to every request. Dockerode has no parameter for it. */
  withQuery(query: Readonly<Record<string, string>>): Pick<EngineModem, 'dial'> {
    return {
      dial: (dial, callback) => {
        const path = dial.path.includes('?') ? dial.path : `${dial.path}?`;
        this.dial({ ...dial, path, options: { ...dial.options, ...query } }, callback);
      },
    };
  }

  /**
   * The engine's description of itself.
   *
   * @throws DIMGX_ENGINE_UNREACHABLE, DIMGX_ENGINE_DENIED, DIMGX_ENGINE_TLS, DIMGX_ENGINE_FAILED
   */
  askVersion(): Promise<unknown> {
    return this.#answer({ path: '/version', method: 'GET' });
  }

  /** The coded error for a failed request. */
  explain(cause: unknown, request: string): DimgxError {
    const { endpoint, location, signal } = this.#connection;
    const [hasAnswered, isKnown] = [this.#hasAnswered, this.version !== undefined];
    return engineError(cause, { endpoint, location, request, hasAnswered, isKnown, signal });
  }

  /** Fails any requests in progress. */
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
      if (isStream && method === 'GET') return await this.#download(`${place}${query}`);
      const message = await this.#send(method, `${place}${query}`, authconfig);
      const idle = method === 'POST' ? timeouts.answer : timeouts.idle;
      const isDelimited = isStream && message.statusCode === 200;
      const body = new EngineStream(message, { idle, isDelimited, signal, explain });
      if (message.statusCode !== 200) throw await refusalOf(body.status, streamSource(body));
      this.#hasAnswered = true;
      return isStream ? body : await readJson(body);
    } catch (cause) {
      throw explain(cause);
    }
  }

  /** Uses a connection of its own, to read a long answer without extra copies. */
  async #download(path: string): Promise<EngineDownload> {
    if (this.#isClosed) throw closed();
    const { endpoint, headers, timeouts, signal } = this.#connection;
    const host = endpoint.kind === 'tcp' ? formatAddress(endpoint) : NO_HOST;
    const lines = Object.entries({ Host: host, ...headers, Connection: 'close' }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    const request = [`GET ${this.#target(path)} HTTP/1.1`, ...lines, '', ''].join('\r\n');
    const limits = { head: timeouts.answer, idle: timeouts.idle };
    const download = await EngineDownload.begin(this.#agent.open(signal), request, limits);
    if (download.status === 200) return download;
    throw await refusalOf(download.status, download);
  }

  /** The engine may meanwhile have closed a connection that was kept alive. In that case, retries once on a new one. */
  async #send(method: string, path: string, auth: string | undefined): Promise<IncomingMessage> {
    if (this.#isClosed) throw closed();
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
    return httpRequest({
      ...{ method, agent: this.#agent, path: this.#target(path) },
      ...(endpoint.kind === 'tcp' ? { host: endpoint.host, port: endpoint.port } : { host: NO_HOST }),
      headers: { ...headers, ...(auth !== undefined && { 'X-Registry-Auth': auth }) },
      ...(signal && { signal }),
    });
  }

  #target(path: string): string {
    const { endpoint } = this.#connection;
    const version = this.version === undefined ? '' : `/v${this.version}`;
    return `${endpoint.kind === 'tcp' ? endpoint.prefix : ''}${version}${path}`;
  }

  #response(request: ClientRequest): Promise<IncomingMessage> {
    const { connect, answer } = this.#connection.timeouts;
    const wait = this.#hasAnswered ? answer : connect;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => request.destroy(new EngineStall(wait)), wait);
      request.once('response', resolve);
      request.on('error', reject); // stays attached: the request may fail again later
      request.once('close', () => reject(new Error('the connection was lost')));
      for (const event of ['response', 'error', 'close']) request.once(event, () => clearTimeout(timer));
      request.end();
    });
  }
}

/** The engine's error message, as far as it can be read. */
async function refusalOf(status: number, body: ByteSource): Promise<EngineRefusal> {
  const pieces: Buffer[] = [];
  let length = 0;
  const keep = (piece: Buffer) => {
    pieces.push(Buffer.from(piece));
    length += piece.length;
    if (length > MAX_REFUSAL) throw new Error('the answer is long enough');
    return undefined;
  };
  await body.forEachPiece(keep).catch(() => undefined);
  body.destroy();
  const text = Buffer.concat(pieces).toString();
  return new EngineRefusal(status, messageIn(text) ?? text);
}

function closed(): Error {
  return new Error('the engine was closed by its caller');
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
