import { BlockList, isIP } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Agent, buildConnector, Dispatcher } from 'undici';
import { handledLater } from '../call/deferred.js';
import type { Environment } from '../io/folders.js';
import { printable } from '../text/printable.js';
import { failureThrough, HttpFailure, httpFailure } from './http-failure.js';
import { TlsContexts, type TlsSettings } from './tls-contexts.js';

export interface ConnectionSettings extends TlsSettings {
  /** Whether to skip the certificate checks of a host, given as `HOST[:PORT]`. */
  readonly isInsecure: (host: string) => boolean;
  /** Timeouts for connecting, and then for the TLS handshake, in milliseconds. */
  readonly timeouts: { readonly connect: number; readonly greeting: number };
}

/** What is known of a server before its first response. */
interface Origin {
  readonly dispatcher: Promise<Dispatcher>;
  /** The settings the dispatcher was made with. */
  readonly trustsSystem: boolean;
  readonly speaksHttp2: boolean;
}

const MAX_HEADERS = 2 ** 16;

/** Keeps connections to hosts, direct or through the proxy configured in the environment. */
export class Connections {
  readonly #settings: ConnectionSettings;
  readonly #contexts: TlsContexts;
  readonly #origins = new Map<string, Origin>();
  /** Origins that asked for a client certificate and got none. */
  readonly #wanting = new Set<string>();
  readonly #replaced: Promise<Dispatcher>[] = [];

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    this.#contexts = new TlsContexts(settings);
  }

  /** @throws HttpFailure; DIMGX_REGISTRY_TLS when certificates cannot be read */
  to(url: URL): Promise<Dispatcher> {
    return (this.#origins.get(url.origin) ?? this.#make(url, false, false)).dispatcher;
  }

  /** The proxy used for a URL, without its password; printable. */
  proxyOf(url: URL): string | undefined {
    const proxy = proxyFor(url, this.#settings.env);
    if (proxy === undefined) return undefined;
    return URL.canParse(proxy)
      ? printable(`${new URL(proxy).protocol}//${new URL(proxy).host}`, 200)
      : 'of the environment';
  }

  /** Classifies a failed request. @param isFirst whether the server has not answered anything yet */
  explain(url: URL, cause: unknown, isFirst: boolean): HttpFailure {
    const proxy = this.proxyOf(url);
    const failure = proxy === undefined ? httpFailure(cause) : failureThrough(proxy, cause);
    const isUnshown = isFirst && this.#wanting.has(url.origin) && ['cut', 'tls', 'plain'].includes(failure.kind);
    return isUnshown ? new HttpFailure('identity', 'it requires a client certificate', cause) : failure;
  }

  /** Switches to another way of connecting if that may fix the failure. @returns whether to try again */
  adapt(url: URL, failure: HttpFailure, tried: Promise<Dispatcher>): boolean {
    const known = this.#origins.get(url.origin);
    const { isUntrusted } = failure;
    const isOtherProtocol = failure.kind === 'protocol';
    if (!known || !(isUntrusted || isOtherProtocol)) return false;
    if (known.dispatcher !== tried) return true; // another request has already switched
    const { trustsSystem, speaksHttp2 } = known;
    if (isUntrusted ? trustsSystem : speaksHttp2) return false;
    this.#replaced.push(tried);
    this.#make(url, trustsSystem || isUntrusted, speaksHttp2 || isOtherProtocol);
    return true;
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    const all = [...this.#replaced, ...[...this.#origins.values()].map(({ dispatcher }) => dispatcher)];
    const dispatchers = await Promise.allSettled(all);
    await Promise.all(dispatchers.map((each) => each.status === 'fulfilled' && destroy(each.value)));
  }

  #make(url: URL, trustsSystem: boolean, speaksHttp2: boolean): Origin {
    const dispatcher = handledLater(this.#connect(url, trustsSystem, speaksHttp2));
    const made = { dispatcher, trustsSystem, speaksHttp2 };
    this.#origins.set(url.origin, made);
    return made;
  }

  async #connect(url: URL, trustsSystem: boolean, allowH2: boolean): Promise<Dispatcher> {
    const { env, timeouts, isInsecure } = this.#settings;
    const { Agent, ProxyAgent, buildConnector } = await import('undici');
    const tls = async (to: URL, rejectUnauthorized: boolean) =>
      to.protocol === 'https:' && { secureContext: await this.#contexts.context(to, trustsSystem), rejectUnauthorized };
    const requestTls = { timeout: timeouts.connect, allowH2, ...(await tls(url, !isInsecure(url.host))) };
    const options = { maxHeaderSize: MAX_HEADERS, allowH2 } satisfies Agent.Options;
    const proxy = proxyFor(url, env);
    if (proxy === undefined) return new Agent({ ...options, connect: this.#watched(url, buildConnector(requestTls)) });
    const uri = proxyUrl(proxy);
    return new ProxyAgent({
      ...options,
      uri: uri.href.replace(/^socks5h:/, 'socks5:'),
      ...(/^https?:/.test(uri.protocol) && uri.username !== '' && { token: basicOf(uri) }),
      requestTls: { ...requestTls, timeout: timeouts.greeting },
      // if given proxyTls, undici speaks TLS even to a SOCKS proxy
      ...(/^https?:/.test(uri.protocol) && { proxyTls: { timeout: timeouts.connect, ...(await tls(uri, true)) } }),
      proxyTunnel: false,
    });
  }

  /** Quickly drops a server that accepts the connection but does not answer the TLS handshake. */
  #watched(url: URL, connect: buildConnector.connector): buildConnector.connector {
    return (options, callback) => {
      const socket: unknown = connect(options, callback);
      if (!(socket instanceof TLSSocket)) return;
      const { greeting } = this.#settings.timeouts;
      const message = `no answer to the TLS handshake for ${greeting / 1000} s`;
      let timer: NodeJS.Timeout | undefined;
      socket.once('connect', () => {
        timer = setTimeout(() => socket.destroy(new HttpFailure('unreachable', message)), greeting);
      });
      const leave = () => clearTimeout(timer);
      socket.once('error', leave).once('close', leave);
      socket.once('secureConnect', () => {
        leave();
        // only a server that asks for a certificate sends signature algorithms
        const isAsked = socket.getSharedSigalgs().length > 0;
        if (isAsked && Object.keys(socket.getCertificate() ?? {}).length === 0) this.#wanting.add(url.origin);
      });
    };
  }
}

/** @throws HttpFailure for a malformed URL, which is not shown because it may hold a password */
function proxyUrl(proxy: string): URL {
  const url = URL.canParse(proxy) ? new URL(proxy) : undefined;
  if (url && /^(?:https?|socks5h?):$/.test(url.protocol) && url.hostname !== '') return url;
  throw new HttpFailure('unreachable', 'the address of the proxy in the environment is malformed');
}

function basicOf({ username, password }: URL): string {
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

/** Bun replaces undici with its own client, whose agents hold nothing and have no `destroy`. */
function destroy(dispatcher: Dispatcher): Promise<void> | undefined {
  return typeof dispatcher.destroy === 'function' ? dispatcher.destroy() : undefined;
}

/**
 * The proxy that the environment sets for a URL, with the rules of Go's programs: `HTTPS_PROXY` or `HTTP_PROXY` by
 * scheme, in upper or lower case, and `NO_PROXY` with names, `.domains`, addresses, networks and `*`. Loopback
 * addresses never use a proxy. Source: golang.org/x/net/http/httpproxy.
 *
 * @returns `undefined` for none
 */
export function proxyFor({ protocol, hostname, port }: URL, env: Environment): string | undefined {
  const isTls = protocol === 'https:';
  const proxy = isTls ? env.HTTPS_PROXY || env.https_proxy : env.HTTP_PROXY || env.http_proxy;
  const host = bareHost(hostname);
  if (!proxy || isLoopback(host)) return undefined;
  const exceptions = (env.NO_PROXY || env.no_proxy || '').split(/[,\s]+/).filter((each) => each !== '');
  const number = port || (isTls ? '443' : '80');
  if (exceptions.some((exception) => isExcepted(host, number, exception.toLowerCase()))) return undefined;
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
}

/** The host of a URL without IPv6 brackets. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
}

/** Whether a host name or address is this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || /^127(?:\.\d+){3}$/.test(host) || host === '::1';
}

function isExcepted(host: string, port: string, exception: string): boolean {
  if (exception === '*') return true;
  const [network = '', bits] = exception.split('/');
  if (bits !== undefined) return isWithin(host, network, Number(bits));
  const [, name = exception, ownPort] = /^(\[.*\]|[^:]*):(\d+)$/.exec(exception) ?? [];
  if (ownPort !== undefined && ownPort !== port) return false;
  const wanted = bareHost(name).replace(/^\*\./, '.');
  if (wanted.startsWith('.')) return host.endsWith(wanted);
  return host === wanted || (isIP(host) === 0 && host.endsWith(`.${wanted}`));
}

function isWithin(host: string, network: string, bits: number): boolean {
  const family = isIP(host);
  if (family === 0 || family !== isIP(network) || !(bits >= 0 && bits <= (family === 4 ? 32 : 128))) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, bits, type);
  return list.check(host, type);
}
