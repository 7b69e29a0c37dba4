import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import { configFolder, type Environment } from '../base/io/folders.js';
import { readPrivateDocument } from '../base/io/regular-file.js';
import { goFields, isObject } from '../base/text/go-json.js';
import { printable, quoted } from '../base/text/printable.js';
import { DimgxError, type ErrorDetails, isSystemError } from '../errors.js';
import { checkShape } from '../image/document.js';
import { type Endpoint, parseEndpoint, readTlsFiles } from './endpoint.js';

const ConfigSchema = v.object({ currentContext: v.optional(v.nullable(v.string())) });
const MetaSchema = v.object({
  Endpoints: v.object({
    docker: v.object({ Host: v.pipe(v.string(), v.nonEmpty()), SkipTLSVerify: v.nullish(v.boolean(), false) }),
  }),
});

/** The context that stands for the environment and the default sockets. It is not stored on disk. */
const DEFAULT_CONTEXT = 'default';

/**
 * The name of the context that docker would use if no host is given: `DOCKER_CONTEXT`, or else the current context in
 * `config.json`. As in docker, a configuration that the user may not read counts as missing.
 *
 * @returns `undefined` for the default
 * @throws DIMGX_ENGINE_CONFIG when `config.json` is malformed, because the wrong engine might be used otherwise
 */
export async function currentContext(env: Environment): Promise<string | undefined> {
  const name = env.DOCKER_CONTEXT || (await configuredContext(join(configFolder(env), 'config.json')));
  return name === DEFAULT_CONTEXT ? undefined : name;
}

/**
 * The endpoint of a context. Source: docker/cli, cli/context/store.
 *
 * @throws DIMGX_ENGINE_CONFIG, DIMGX_ENGINE_TLS
 */
export async function contextEndpoint(name: string, env: Environment): Promise<Endpoint> {
  const folder = createHash('sha256').update(name).digest('hex');
  const contexts = join(configFolder(env), 'contexts');
  const path = join(contexts, 'meta', folder, 'meta.json');
  const meta = await readDocument(path, MetaSchema).catch((cause: unknown) => {
    const advice = '`docker context ls` lists the contexts';
    throw badContext(`the context ${quoted(name)} cannot be used: ${fileFailure(cause, path)}: ${advice}`, cause);
  });
  const { Host, SkipTLSVerify } = meta.Endpoints.docker;
  const endpoint = parseEndpoint(Host);
  if (endpoint.kind !== 'tcp') return endpoint;
  const tls = await readTlsFiles(join(contexts, 'tls', folder, 'docker'), !SkipTLSVerify);
  return SkipTLSVerify || tls.ca || tls.cert ? { ...endpoint, tls } : endpoint;
}

async function configuredContext(path: string): Promise<string | undefined> {
  try {
    const document = await readPrivateDocument(path);
    const fields = isObject(document) ? goFields(document, ['currentContext']) : document;
    const { currentContext } = checkShape(fields, ConfigSchema, printable(path, 300));
    return currentContext || undefined;
  } catch (cause) {
    if (isSystemError(cause)) return undefined;
    throw badContext(`docker's configuration cannot be used: ${fileFailure(cause, path)}: correct it`, cause, {
      options: ['host'],
    });
  }
}

/** @throws any error of `readPrivateDocument`; DIMGX_IMAGE_BAD_JSON */
async function readDocument<const Schema extends v.GenericSchema>(path: string, schema: Schema) {
  return checkShape(await readPrivateDocument(path), schema, printable(path, 300));
}

function fileFailure(cause: unknown, path: string): string {
  if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return `${printable(path, 300)} does not exist`;
  return cause instanceof DimgxError ? cause.message : printable(String(cause), 300);
}

function badContext(message: string, cause: unknown, details: ErrorDetails = {}): DimgxError {
  return new DimgxError('DIMGX_ENGINE_CONFIG', message, { ...details, cause });
}
