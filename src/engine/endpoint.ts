import { printable, quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import type { TlsFiles } from './tls-files.js';

/** Where an engine listens, and which protocol it uses. */
export type Endpoint = UnixEndpoint | TcpEndpoint | SshEndpoint;

interface UnixEndpoint {
  readonly kind: 'unix';
  readonly path: string;
}

interface TcpEndpoint {
  readonly kind: 'tcp';
  readonly host: string;
  readonly port: number;
  /** Prepended to the path of every request; empty, or `/…` without a trailing slash. */
  readonly prefix: string;
  /** If missing, plain HTTP. */
  readonly tls?: TlsFiles | undefined;
}

export interface SshEndpoint {
  readonly kind: 'ssh';
  readonly user?: string | undefined;
  readonly host: string;
  readonly port?: number | undefined;
  /** The engine's socket on that machine. If missing, that machine's `docker` chooses the engine. */
  readonly socket?: string | undefined;
}

const DEFAULT_SOCKET = '/var/run/docker.sock';
const DEFAULT_PORT = 2375;

/**
 * Excludes options, shell characters, and anything that `ssh` would expand. Source: OpenSSH 9.6, ssh.c, valid_hostname,
 * valid_ruser.
 */
const SSH_HOST = /^(?!-)[\w.:%-]+$/;
const SSH_USER = /^(?!-)[^\s\p{Cc}'"`$&;<>|(){}]+$/u;

/**
 * Parses a host as docker writes it: `unix://PATH`, `tcp://HOST[:PORT][/PREFIX]`, `ssh://[USER@]HOST[:PORT][/SOCKET]`,
 * or `HOST[:PORT]`. Docker reads a bare path as a prefix on this machine's port; here a bare path is rejected.
 * Source: docker/cli, opts/hosts.go; cli/connhelper/ssh/ssh.go.
 *
 * @throws DIMGX_SOURCE_NO_ENGINE
 */
export function parseEndpoint(text: string): Endpoint {
  const [, scheme = 'tcp', rest = ''] = /^(?:(\w+):\/\/)?(.*)$/su.exec(text.trim()) ?? [];
  if (scheme === 'unix') return { kind: 'unix', path: rest || DEFAULT_SOCKET };
  if (text.startsWith('/')) throw malformed(text, `a socket is written unix://${printable(rest, 100)}`);
  if (scheme === 'tcp') return parseTcp(rest, text);
  if (scheme === 'ssh') return parseSsh(rest, text);
  throw malformed(text, 'only unix://, tcp:// and ssh:// are understood');
}

/** In docker's notation; printable. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return printable(`unix://${endpoint.path}`, 300);
  if (endpoint.kind === 'tcp') return printable(`tcp://${formatAddress(endpoint)}${endpoint.prefix}`, 300);
  const user = endpoint.user === undefined ? '' : `${endpoint.user}@`;
  return printable(`ssh://${user}${formatAddress(endpoint)}${endpoint.socket ?? ''}`, 300);
}

/** `HOST[:PORT]`, as in a URL. */
export function formatAddress({ host, port }: { readonly host: string; readonly port?: number | undefined }): string {
  return `${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`;
}

function parseTcp(rest: string, text: string): Endpoint {
  const url = rest === '' || /^[:/]/.test(rest) ? `http://localhost${rest}` : `http://${rest}`;
  const { hostname, port, pathname, username, password } = parseUrl(url, text);
  if (username !== '' || password !== '') throw malformed(text, 'user and password mean nothing there');
  // URL drops the port if it is HTTP's default.
  const number = port === '' && /^[^/?#]*:0*80(?:[/?#]|$)/.test(rest) ? 80 : Number(port || DEFAULT_PORT);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return { kind: 'tcp', host, port: number, prefix: pathname.replace(/\/+$/, '') };
}

function parseSsh(rest: string, text: string): Endpoint {
  const { hostname, port, pathname, username, password, search, hash } = parseUrl(`ssh://${rest}`, text);
  if (password !== '') throw malformed(text, 'a password does not belong there; ssh asks for it, or has a key');
  if (search !== '' || hash !== '') throw malformed(text, 'nothing may follow the path');
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const user = username === '' ? undefined : decode(username, text);
  const socket = pathname.length > 1 ? decode(pathname, text) : undefined;
  if (!SSH_HOST.test(host)) throw malformed(text, 'that cannot be the name of a host');
  if (user !== undefined && !SSH_USER.test(user)) throw malformed(text, 'that cannot be the name of a user');
  return { kind: 'ssh', user, host, port: port === '' ? undefined : Number(port), socket };
}

function parseUrl(url: string, text: string): URL {
  if (URL.canParse(url)) return new URL(url);
  throw malformed(text, 'host or port are malformed');
}

function decode(part: string, text: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw malformed(text, 'its percent signs are malformed');
  }
}

function malformed(text: string, reason: string): DimgxError {
  return new DimgxError('DIMGX_SOURCE_NO_ENGINE', `${quoted(text)} is no address of an engine: ${reason}`);
}
