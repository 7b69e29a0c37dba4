import { validateHeaderName, validateHeaderValue } from 'node:http';
import { join } from 'node:path';
import * as v from 'valibot';
import { configFolder, type Environment } from '../base/io/folders.js';
import { readPrivateDocument } from '../base/io/regular-file.js';
import { goFields } from '../base/text/go-json.js';
import { printable } from '../base/text/printable.js';
import { DimgxError, throwIfAborted } from '../errors.js';
import { DockerEngine } from './docker-engine.js';
import type { Engine } from './engine.js';
import { failureReason, noEngine } from './engine-error.js';
import { EngineModem, type EngineTimeouts } from './engine-modem.js';
import { readVersion } from './engine-version.js';
import { type EngineCandidate, findEndpoint, type Nowhere } from './find-endpoint.js';

export interface EngineOptions {
  /** `unix://…`, `tcp://…` or `ssh://…`; takes precedence over the environment. */
  readonly host?: string | undefined;
  /** Default: the environment of this process. Also passed to the `ssh` program. */
  readonly env?: Environment | undefined;
  /** Aborts all work of the engine with DIMGX_ABORTED. */
  readonly signal?: AbortSignal | undefined;
  readonly timeouts?: Partial<EngineTimeouts> | undefined;
}

const TIMEOUTS: EngineTimeouts = { connect: 60_000, answer: 300_000, idle: 60_000 };

/**
 * Finds the container engine as docker does (see `findEndpoint`), and asks its version.
 *
 * @returns the engine; the caller must close it
 * @throws DIMGX_ENGINE_CONFIG, DIMGX_ENGINE_UNREACHABLE, DIMGX_ENGINE_DENIED, DIMGX_ENGINE_TLS, DIMGX_ENGINE_TOO_OLD,
 *   DIMGX_ENGINE_FAILED, DIMGX_ABORTED; nothing is left open then
 */
export async function openEngine(options: EngineOptions = {}): Promise<Engine> {
  throwIfAborted(options.signal);
  const env = options.env ?? process.env;
  return await openFirst(await findEndpoint(options.host, env), { ...options, env });
}

/**
 * Opens the first candidate where an engine answers. An engine that answers but cannot be used is an error; no other
 * candidate is tried.
 */
export async function openFirst(
  candidates: readonly (EngineCandidate | Nowhere)[],
  options: EngineOptions,
): Promise<Engine> {
  const failures: { readonly location: string; readonly reason: string }[] = [];
  let denied: DimgxError | undefined;
  for (const candidate of candidates) {
    if ('reason' in candidate) {
      failures.push(candidate);
      continue;
    }
    try {
      return await open(candidate, options);
    } catch (error) {
      const isAbsent = isOneOf(error, 'DIMGX_ENGINE_UNREACHABLE', 'DIMGX_ENGINE_DENIED');
      if (candidates.length === 1 || !isAbsent) throw error;
      failures.push({ location: candidate.location, reason: failureReason(error.cause) });
      if (error.code === 'DIMGX_ENGINE_DENIED') denied ??= error;
    }
  }
  throw denied ?? noEngine(failures);
}

async function open(candidate: EngineCandidate, { env = {}, signal, timeouts }: EngineOptions): Promise<Engine> {
  const headers = await configuredHeaders(env);
  const modem = new EngineModem({ ...candidate, env, headers, signal, timeouts: { ...TIMEOUTS, ...timeouts } });
  try {
    const document = await modem.askVersion();
    const version = readVersion(document, candidate.location, env.DOCKER_API_VERSION);
    modem.version = version.api;
    return await DockerEngine.over(modem, candidate.location, version.nameStyle);
  } catch (failure) {
    await modem.close();
    throw modem.explain(failure, 'GET /version');
  }
}

function isOneOf(failure: unknown, ...codes: string[]): failure is DimgxError {
  return failure instanceof DimgxError && codes.includes(failure.code);
}

const Schema = v.object({ HttpHeaders: v.nullish(v.record(v.string(), v.string()), {}) });

/** Headers that belong to the connection. Docker leaves them out too. */
const RESERVED = /^(?:host|connection|content-length|transfer-encoding|trailer|upgrade)$/i;

/**
 * The headers that docker's configuration adds to every request to an engine (`HttpHeaders`). There are none if the
 * configuration cannot be read; where that matters, `currentContext` has already reported it.
 *
 * @throws DIMGX_ENGINE_CONFIG for headers that HTTP does not allow; the error does not reveal their values
 */
async function configuredHeaders(env: Environment): Promise<Readonly<Record<string, string>>> {
  const path = join(configFolder(env), 'config.json');
  const document = await readPrivateDocument(path).catch(() => ({}));
  try {
    const headers = Object.entries(v.parse(Schema, goFields(document, ['HttpHeaders'])).HttpHeaders).filter(
      ([name]) => !RESERVED.test(name),
    );
    for (const [name, value] of headers) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
    return Object.fromEntries(headers);
  } catch {
    const message = `the HttpHeaders of ${printable(path, 300)} are not valid HTTP headers`;
    throw new DimgxError('DIMGX_ENGINE_CONFIG', `${message}: correct or remove them`);
  }
}
