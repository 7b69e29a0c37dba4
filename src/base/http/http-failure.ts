import { printable } from '../text/printable.js';

/**
 * `plain`: the server does not speak TLS; `tls`: it does, but is not trusted; `identity`: it wants a client
 * certificate; `protocol`: it wants another version of HTTP; `unreachable`: no server answers; `nameless`: the host
 * name does not resolve; `proxy`: the proxy refuses; `refused`: dimgx refuses to continue; `cut`: a transfer failed
 * midway, and a retry may succeed.
 */
type HttpFailureKind =
  | 'plain'
  | 'tls'
  | 'identity'
  | 'protocol'
  | 'unreachable'
  | 'nameless'
  | 'proxy'
  | 'refused'
  | 'cut';

/** A request that got no complete response. */
export class HttpFailure extends Error {
  readonly kind: HttpFailureKind;

  constructor(kind: HttpFailureKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }

  /** Whether the server's certificate was not issued by a trusted authority. */
  get isUntrusted(): boolean {
    return /^(?:DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(codeOf(this.cause));
  }
}

/** Codes of OpenSSL, of Node's TLS, and of undici. */
const KINDS: readonly (readonly [HttpFailureKind, RegExp])[] = [
  ['identity', /ALERT_(?:[A-Z]+_)?CERTIFICATE(?:_[A-Z]+)?$|ALERT_UNKNOWN_CA$/],
  ['protocol', /ALERT_NO_APPLICATION_PROTOCOL$/],
  ['plain', /^(?:ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)|EPROTO)$/],
  [
    'tls',
    /^(?:ERR_(?:SSL|TLS|OSSL)_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)|_CERT|CRL_/,
  ],
  ['nameless', /^(?:ENOTFOUND|EAI_[A-Z]+)$/],
  [
    'unreachable',
    /^(?:ECONNREFUSED|E(?:HOST|NET)(?:UNREACH|DOWN)|EADDRNOTAVAIL|EINVAL|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/,
  ],
  ['refused', /^UND_ERR_HEADERS_OVERFLOW$/],
];

const TLS_KINDS: ReadonlySet<HttpFailureKind | undefined> = new Set(['identity', 'protocol', 'plain', 'tls']);

/** Whether the code means that no TLS connection could be made. */
export function isTlsCode(code: string): boolean {
  return TLS_KINDS.has(kindOf(code));
}

/** Why a host does not answer, by the system's error code. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the host name cannot be resolved at the moment',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'the host does not answer',
};

/** @returns `undefined` if the code says nothing about reaching a host */
export function whyUnreachable(code: string): string | undefined {
  return UNREACHABLE[code];
}

function kindOf(code: string): HttpFailureKind | undefined {
  return KINDS.find(([, pattern]) => pattern.test(code))?.[0];
}

/** Classifies a failed request by the error codes of Node, OpenSSL and undici. */
export function httpFailure(cause: unknown): HttpFailure {
  if (cause instanceof HttpFailure) return cause;
  const code = codeOf(cause);
  const reason =
    whyUnreachable(code) ?? printable(cause instanceof Error ? opensslReason(cause, code) : String(cause), 200);
  const kind = kindOf(code) ?? 'cut';
  if (kind === 'plain') return new HttpFailure('plain', 'it does not speak TLS', cause);
  // before TLS 1.3, this is how servers reject clients without a certificate
  if (code.endsWith('ALERT_HANDSHAKE_FAILURE')) {
    return new HttpFailure(
      'identity',
      `it rejected the TLS handshake (${reason}) and may require a client certificate`,
      cause,
    );
  }
  if (kind === 'identity') {
    const what = code.endsWith('REQUIRED') ? 'it requires' : 'it requires, or rejected,';
    return new HttpFailure('identity', `${what} a client certificate`, cause);
  }
  return new HttpFailure(kind, reason, cause);
}

/**
 * Classifies a request that failed through a proxy. There, only the proxy itself can be unreachable.
 *
 * @param proxy printable
 */
export function failureThrough(proxy: string, cause: unknown): HttpFailure {
  const failure = httpFailure(cause);
  const [, tunnel, plain] =
    /^Proxy response \((\d{3})\)|^Proxy Authentication Required \((407)\)$/.exec(failure.message) ?? [];
  const status = tunnel ?? plain;
  if (status === '407') {
    return new HttpFailure('proxy', `the proxy ${proxy} requires a user name and a password (HTTP 407)`, cause);
  }
  if (status !== undefined) {
    const kind = status < '500' ? 'proxy' : 'cut';
    return new HttpFailure(kind, `the proxy ${proxy} denies the connection (HTTP ${status})`, cause);
  }
  if (failure.kind === 'unreachable' || failure.kind === 'nameless') {
    return new HttpFailure(failure.kind, `the proxy ${proxy} cannot be reached: ${failure.message}`, cause);
  }
  return new HttpFailure(failure.kind, `${failure.message} (through the proxy ${proxy})`, cause);
}

/** OpenSSL's messages are full of addresses and source locations, but it also gives the reason on its own. */
function opensslReason(cause: Error, code: string): string {
  const isReason = code.startsWith('ERR_SSL_') && 'reason' in cause && typeof cause.reason === 'string';
  return (isReason ? String(cause.reason) : cause.message) || code;
}

function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return '';
  if ('code' in cause && typeof cause.code === 'string') return cause.code;
  return codeOf(cause.cause);
}

/** Delays before retries, in milliseconds. */
export interface RetryDelays {
  /** Before the first retry; doubles with each further one. */
  readonly first: number;
  readonly longest: number;
}

/**
 * Delay before a retry: a random time between half and all of a backoff that doubles, so that clients do not all return
 * at once, but never less than the server asks for.
 *
 * @param repetition number of the retry, from 1
 * @param wanted delay the server asks for, in milliseconds
 */
export function retryDelay(
  repetition: number,
  { first, longest }: RetryDelays,
  wanted = 0,
  random: () => number = Math.random,
): number {
  const whole = Math.min(first * 2 ** (repetition - 1), longest);
  return Math.max(wanted, (whole * (1 + random())) / 2);
}

/**
 * Parses `Retry-After`: seconds, or a date. Source: RFC 9110, section 10.2.3.
 *
 * @returns milliseconds; `undefined` if it is neither
 */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const time = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.max(0, time - now);
}
