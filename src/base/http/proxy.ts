import { BlockList, isIP } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

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
