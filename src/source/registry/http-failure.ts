import { printable } from '../../image/printable.js';

/**
 * `plain`: the server does not speak TLS; `tls`: it does, and is not trusted; `unreachable`: nobody is there; `refused`: it
 * wants what is not done; `cut`: what was begun went wrong, and may go well the next time.
 */
export type HttpFailureKind = 'plain' | 'tls' | 'unreachable' | 'refused' | 'cut';

/** A request that got no whole answer. */
export class HttpFailure extends Error {
  readonly kind: HttpFailureKind;

  constructor(kind: HttpFailureKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

const PLAIN = /^(?:ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)|EPROTO)$/;
const TLS = /^(?:ERR_(?:SSL|TLS|OSSL)_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)|_CERT|CRL_/;
const UNREACHABLE =
  /^(?:ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EINVAL|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/;

/** Tells by the codes of Node, OpenSSL and undici what a failed request means. */
export function httpFailure(cause: unknown): HttpFailure {
  if (cause instanceof HttpFailure) return cause;
  const code = codeOf(cause);
  const reason = printable(cause instanceof Error ? cause.message || code : String(cause), 200);
  if (PLAIN.test(code)) return new HttpFailure('plain', 'it does not speak TLS', cause);
  if (TLS.test(code)) return new HttpFailure('tls', reason, cause);
  return new HttpFailure(UNREACHABLE.test(code) ? 'unreachable' : 'cut', reason, cause);
}

function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return '';
  if ('code' in cause && typeof cause.code === 'string') return cause.code;
  return codeOf(cause.cause);
}
