import { join } from 'node:path';
import type { Environment } from '../base/io/folders.js';
import { readRegularFile } from '../base/io/regular-file.js';
import { printable, quoted } from '../base/text/printable.js';
import { DimgxError, isSystemError } from '../errors.js';

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
 * @throws DIMGX_ENGINE_CONFIG
 */
export function parseEndpoint(text: string): Endpoint {
  const [, scheme = 'tcp', rest = ''] = /^(?:(\w+):\/\/)?(.*)$/su.exec(text.trim()) ?? [];
  if (scheme === 'unix') return { kind: 'unix', path: rest || DEFAULT_SOCKET };
  if (text.startsWith('/')) throw malformed(text, `write the socket as unix://${printable(rest, 100)}`);
  if (scheme === 'tcp') return parseTcp(rest, text);
  if (scheme === 'ssh') return parseSsh(rest, text);
  throw malformed(text, 'only unix://, tcp:// and ssh:// are supported');
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
  if (username !== '' || password !== '') throw malformed(text, 'a user name and a password are not allowed in it');
  // URL drops the port if it is HTTP's default.
  const number = port === '' && /^[^/?#]*:0*80(?:[/?#]|$)/.test(rest) ? 80 : Number(port || DEFAULT_PORT);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return { kind: 'tcp', host, port: number, prefix: pathname.replace(/\/+$/, '') };
}

function parseSsh(rest: string, text: string): Endpoint {
  const { hostname, port, pathname, username, password, search, hash } = parseUrl(`ssh://${rest}`, text);
  if (password !== '') throw malformed(text, 'a password is not allowed in it; ssh asks for one, or uses a key');
  if (search !== '' || hash !== '') throw malformed(text, 'nothing may follow the path');
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const user = username === '' ? undefined : decode(username, text);
  const socket = pathname.length > 1 ? decode(pathname, text) : undefined;
  if (!SSH_HOST.test(host)) throw malformed(text, 'the host name is invalid');
  if (user !== undefined && !SSH_USER.test(user)) throw malformed(text, 'the user name is invalid');
  return { kind: 'ssh', user, host, port: port === '' ? undefined : Number(port), socket };
}

function parseUrl(url: string, text: string): URL {
  if (URL.canParse(url)) return new URL(url);
  throw malformed(text, 'the host or the port is malformed');
}

function decode(part: string, text: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw malformed(text, 'its percent-encoding is malformed');
  }
}

function malformed(text: string, reason: string): DimgxError {
  return new DimgxError('DIMGX_ENGINE_CONFIG', `${quoted(text)} is not the address of an engine: ${reason}`);
}

/** What a TLS connection to an engine needs; all in PEM. */
interface TlsFiles {
  /** The only authority trusted for the engine's certificate. If missing, those that Node trusts. */
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  /** Whether the engine's certificate is checked. */
  readonly verify: boolean;
}

/**
 * Reads `ca.pem`, `cert.pem` and `key.pem` from a folder, as far as they exist. If `ca.pem` exists, no other authority
 * is trusted. Source: docker/cli, cli/context/tlsdata.go; cli/context/docker/load.go.
 *
 * @throws DIMGX_ENGINE_TLS when one of them cannot be read, or when only one of certificate and key exists
 */
export async function readTlsFiles(folder: string, verify: boolean): Promise<TlsFiles> {
  const read = (name: string) => readIfThere(join(folder, name));
  const [ca, cert, key] = await Promise.all([read('ca.pem'), read('cert.pem'), read('key.pem')]);
  if ((cert === undefined) === (key === undefined)) return { ca, cert, key, verify };
  const [there, missing] = cert ? ['cert.pem', 'key.pem'] : ['key.pem', 'cert.pem'];
  throw tlsError(`${printable(folder, 200)} has ${there} but no ${missing}: both are needed`);
}

/**
 * The TLS settings of the environment for connections over TCP. A non-empty `DOCKER_TLS_VERIFY` or `DOCKER_TLS`
 * requests TLS; with the latter alone, the engine's certificate is not checked. The files are in `DOCKER_CERT_PATH`, or
 * else in docker's folder.
 *
 * @throws DIMGX_ENGINE_TLS
 */
export async function environmentTls(env: Environment, configFolder: string): Promise<TlsFiles | undefined> {
  if (!wantsTls(env)) return undefined;
  const folder = env.DOCKER_CERT_PATH || configFolder;
  const files = await readTlsFiles(folder, Boolean(env.DOCKER_TLS_VERIFY));
  if (files.ca || !files.verify) return files;
  const place = printable(join(folder, 'ca.pem'), 200);
  throw tlsError(
    `DOCKER_TLS_VERIFY is set, but ${place} does not exist: create it, or set DOCKER_CERT_PATH to its folder`,
  );
}

export function wantsTls(env: Environment): boolean {
  return Boolean(env.DOCKER_TLS_VERIFY || env.DOCKER_TLS);
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readRegularFile(path);
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    if (cause instanceof DimgxError) throw tlsError(cause.message, cause);
    throw tlsError(`${printable(path, 200)} cannot be read: ${printable(String(cause), 200)}`, cause);
  }
}

function tlsError(message: string, cause?: unknown): DimgxError {
  return new DimgxError('DIMGX_ENGINE_TLS', message, { cause });
}
