import { isTlsCode, whyUnreachable } from '../base/http/http-failure.js';
import { printable } from '../base/text/printable.js';
import { abortedBy, DimgxError, type ErrorCode } from '../errors.js';
import type { Endpoint } from './endpoint.js';
import { SshFailure } from './ssh-connection.js';

/** An error answered by the engine instead of a result. */
export class EngineRefusal extends Error {
  override readonly name = 'EngineRefusal';
  /** HTTP status. */
  readonly status: number;

  /** @param message the engine's own words, not printable yet */
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The engine was silent for too long. */
export class EngineStall extends Error {
  override readonly name = 'EngineStall';

  /** @param milliseconds how long dimgx waited */
  constructor(milliseconds: number) {
    super(`no data for ${milliseconds / 1000} s`);
  }
}

/** The situation in which a failure occurred. */
export interface Circumstances {
  readonly endpoint: Endpoint;
  /** Printable. */
  readonly location: string;
  /** What was requested, like `GET /version`. */
  readonly request: string;
  /** Whether an engine has answered there before. */
  readonly hasAnswered: boolean;
  /** Whether the server there has reported its version, as an engine does. */
  readonly isKnown: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Why there is no socket at a path. */
const NO_SOCKET: Readonly<Record<string, string>> = {
  ENOENT: 'no such socket',
  ENOTDIR: 'no such socket',
};

/** Podman's message when it cannot save an image with zstd layers in Docker's format; it has the layers unpacked. */
const NO_ZSTD = /zstd compression is not supported for docker images/;

/** Whether the other end broke off the connection. */
export function isCut(failure: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'ECONNABORTED'].includes(String((failure as NodeJS.ErrnoException).code));
}

/**
 * The one coded error for any failure between dimgx and the engine. An error that already has a code is returned as is.
 */
export function engineError(cause: unknown, circumstances: Circumstances): DimgxError {
  const { location, request, hasAnswered, isKnown, signal } = circumstances;
  if (signal?.aborted) return abortedBy(signal);
  if (cause instanceof DimgxError && cause.code !== 'DIMGX_IMAGE_BAD_JSON') return cause;
  if (cause instanceof EngineRefusal) return refusal(cause, circumstances);
  if (cause instanceof SshFailure) return sshError(cause, location);
  const code = String((cause as NodeJS.ErrnoException).code);
  const insecure = whatTlsLacks(cause, code, circumstances);
  const error = (kind: ErrorCode, message: string) => new DimgxError(kind, message, { cause });
  if (insecure) return error('DIMGX_ENGINE_TLS', `no secure connection to ${location}: ${insecure}`);
  if (code === 'EACCES' || code === 'EPERM') {
    const advice = 'run dimgx as root, or as a user in the group of the socket';
    return error('DIMGX_ENGINE_DENIED', `this user may not connect to ${location}: ${advice}`);
  }
  const reason = failureReason(cause);
  if (!isKnown && (cause instanceof DimgxError || code.startsWith('HPE_'))) return notAnEngine(location, reason, cause);
  if (code.startsWith('HPE_')) {
    return error('DIMGX_ENGINE_FAILED', `the server at ${location} is not a container engine: ${reason}`);
  }
  if (!hasAnswered) return noEngine([{ location, reason }], cause);
  return error('DIMGX_ENGINE_FAILED', `the engine at ${location} failed at ${request}: ${reason}`);
}

/** Why the TLS connection failed, and what to do. `undefined` if the failure has another cause. */
function whatTlsLacks(cause: unknown, code: string, { endpoint, hasAnswered }: Circumstances): string | undefined {
  const tls = endpoint.kind === 'tcp' ? endpoint.tls : undefined;
  if (tls && isTlsCode(code)) {
    return `${failureReason(cause)}: check ca.pem, cert.pem and key.pem, and that the engine speaks TLS on that port`;
  }
  // An engine that requires a client certificate may close the connection before its reason can be read.
  const mayWantCertificate = tls && !tls.cert && isCut(cause) && !hasAnswered;
  return mayWantCertificate
    ? 'the engine closed it, perhaps because it requires a client certificate: put cert.pem and key.pem beside ca.pem'
    : undefined;
}

/** Why there is no engine, in a few words; printable. */
export function failureReason(cause: unknown): string {
  if (!(cause instanceof Error)) return printable(String(cause), 300);
  const code = String((cause as NodeJS.ErrnoException).code);
  return NO_SOCKET[code] ?? whyUnreachable(code) ?? printable(cause.message, 300);
}

/** @param tried at least one place, with the reason why no engine is there */
export function noEngine(tried: readonly { location: string; reason: string }[], cause?: unknown): DimgxError {
  const places = tried.map(({ location, reason }) => `${location} (${reason})`).join(', ');
  const advice = 'start one, or read the image from a registry, which needs no engine: docker://NAME';
  const message = `no container engine answers at ${places}: ${advice}`;
  return new DimgxError('DIMGX_ENGINE_UNREACHABLE', message, { cause, options: ['host'] });
}

/** @param reason why it cannot be an engine; printable */
function notAnEngine(location: string, reason: string, cause: unknown): DimgxError {
  const advice = 'check the address';
  const message = `the server at ${location} is not a container engine (${reason}): ${advice}`;
  return new DimgxError('DIMGX_ENGINE_FAILED', message, { cause, options: ['host'] });
}

function refusal(cause: EngineRefusal, { endpoint, location, request, isKnown }: Circumstances): DimgxError {
  const said = printable(cause.message.trim(), 600);
  const isPlain = endpoint.kind === 'tcp' && !endpoint.tls;
  if (isPlain && cause.status === 400 && /HTTP request to an HTTPS server/.test(said)) {
    const advice = 'set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or choose a context that has its certificates';
    return new DimgxError('DIMGX_ENGINE_TLS', `the engine at ${location} requires TLS: ${advice}`, { cause });
  }
  if (cause.status === 401 || cause.status === 403) {
    const message = `the engine at ${location} does not allow ${request}: ${said || `HTTP ${cause.status}`}`;
    return new DimgxError('DIMGX_ENGINE_DENIED', message, { cause });
  }
  if (!isKnown && cause.status < 500) {
    const words = said.startsWith('<') ? '' : said.slice(0, 100); // an HTML page adds nothing useful
    return notAnEngine(location, `HTTP ${cause.status} to ${request}${words && `: ${words}`}`, cause);
  }
  const advice = NO_ZSTD.test(said) ? ': save it with `podman save --format oci-archive`, and read that archive' : '';
  const message = `the engine at ${location} failed at ${request} with HTTP ${cause.status}${said && `: ${said}`}${advice}`;
  return new DimgxError('DIMGX_ENGINE_FAILED', message, { cause });
}

function sshError(cause: SshFailure, location: string): DimgxError {
  const isDenied = /permission denied|too many authentication failures/i.test(cause.message);
  const code = isDenied ? 'DIMGX_ENGINE_DENIED' : 'DIMGX_ENGINE_UNREACHABLE';
  const advice = 'check that `ssh` connects without a prompt, and that `docker` there reaches its engine';
  return new DimgxError(code, `no connection to ${location} (${cause.message}): ${advice}`, { cause });
}
