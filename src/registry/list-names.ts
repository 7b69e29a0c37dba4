import * as v from 'valibot';
import { nextLink } from '../base/http/headers.js';
import type { HttpReply } from '../base/http/http-client.js';
import { withResources } from '../base/io/resources.js';
import { MAX_DOCUMENT } from '../base/limits.js';
import { quoted } from '../base/text/printable.js';
import { DimgxError, type Warn } from '../errors.js';
import { parseDocument } from '../image/document.js';
import { parseRegistryHost, parseRegistryName } from '../reference/image-name.js';
import { openRegistry, openRepository, type RepositoryOptions } from './open-repository.js';
import type { RegistryRequest, RegistryServer } from './registry-server.js';

export interface NameListOptions extends RepositoryOptions {
  readonly warn: Warn;
  /** Receives details that may help to find the cause of a failure; printable. */
  readonly inform?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The tags of a repository, in the registry's order.
 *
 * @param name as docker reads it; its tag or digest is ignored
 * @throws DIMGX_REFERENCE_INVALID, DIMGX_SOURCE_NO_SUCH_IMAGE, DIMGX_REGISTRY_*, DIMGX_IMAGE_*, DIMGX_ABORTED
 */
export function readTags(name: string, options: NameListOptions): Promise<readonly string[]> {
  return withResources(async (resources) => {
    const wanted = parseRegistryName(name);
    const repository = await openRepository(wanted, options, { ...options, resources });
    const what = `the tags of ${quoted(`${wanted.registry}/${wanted.path}`)}`;
    const sought = { what, by: 'tag', absent: 'DIMGX_SOURCE_NO_SUCH_IMAGE' } as const;
    return repository.atFirst(sought, undefined, ({ server, path }) =>
      all(listPages(server, { path: `${path}/tags/list`, scope: `repository:${path}:pull`, key: 'tags' })),
    );
  });
}

/**
 * The repositories of a registry, in its order. Some registries list none, or not all of them.
 *
 * @param host `HOST[:PORT]`
 * @throws as `readTags`
 */
export function readCatalog(host: string, options: NameListOptions): Promise<readonly string[]> {
  return withResources(async (resources) => {
    const server = await openRegistry(parseRegistryHost(host), options, { ...options, resources });
    try {
      return await all(listPages(server, { path: '_catalog', scope: 'registry:catalog:*', key: 'repositories' }));
    } catch (failure) {
      throw await server.explain(failure, 'the list of repositories');
    }
  });
}

async function all(pages: AsyncIterable<readonly string[]>): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const page of pages) for (const name of page) names.push(name);
  return names;
}

interface ListRequest {
  /** Relative to `/v2/`. */
  readonly path: string;
  readonly scope: string;
  /** The field that holds the list in each page. */
  readonly key: 'tags' | 'repositories';
}

const Names = v.nullish(v.array(v.nullable(v.string())));
const PageSchema = v.object({ name: v.optional(v.string()), tags: Names, repositories: Names });

/** Far more than any registry has. A longer list is assumed to be endless. */
const MAX_NAMES = 10_000_000;

/**
 * Maximum number of empty pages in a row. A registry may send empty pages when it hides names the caller may not see.
 */
const MAX_EMPTY = 1000;

/**
 * The names in a list that a registry sends page by page.
 *
 * @throws DIMGX_IMAGE_BAD_JSON, DIMGX_IMAGE_DOCUMENT_TOO_LARGE, DIMGX_REGISTRY_FAILED, and as `RegistryServer.read`
 */
async function* listPages(
  server: RegistryServer,
  { path, scope, key }: ListRequest,
): AsyncGenerator<readonly string[]> {
  const what = `the list of ${key} of ${server.location}`;
  const asked = new Set<string>();
  let next: string | undefined = path;
  for (let count = 0, empty = 0; next !== undefined; ) {
    if (asked.has(next)) throw endless(what);
    asked.add(next);
    const { reply, bytes } = await readPage(server, { path: next, scope }, asked.size, what);
    const names = namesOfPage(parseDocument(bytes, PageSchema, what), key, what);
    yield names;
    count += names.length;
    empty = names.length > 0 ? 0 : empty + 1;
    if (count > MAX_NAMES || empty > MAX_EMPTY) throw endless(what);
    next = pathOf(reply, what);
  }
}

/**
 * Some registries send `null` among the names or instead of the list. For a repository without tags, some send its name
 * alone.
 *
 * @throws DIMGX_IMAGE_BAD_JSON if the page has no list
 */
function namesOfPage(page: v.InferOutput<typeof PageSchema>, key: ListRequest['key'], what: string): readonly string[] {
  const names = page[key];
  if (names === undefined && (key !== 'tags' || page.name === undefined)) {
    throw new DimgxError('DIMGX_IMAGE_BAD_JSON', `${what} does not have the required structure: it has no ${key}`);
  }
  return (names ?? []).filter((name) => name !== null && name !== '') as string[];
}

async function readPage(server: RegistryServer, request: RegistryRequest, page: number, what: string) {
  try {
    return await server.read(request, MAX_DOCUMENT);
  } catch (failure) {
    if (page === 1) throw failure;
    const error = await server.explain(failure, `page ${page}`);
    throw error.code === 'DIMGX_ABORTED' ? error : error.retold(`${what} is incomplete: ${error.message}`);
  }
}

/**
 * The next page is on the same server, whatever host its link names.
 *
 * @throws DIMGX_REGISTRY_FAILED when there is a link that cannot be parsed
 */
function pathOf({ url, headers }: HttpReply, what: string): string | undefined {
  const link = nextLink(headers('link'));
  if (link === undefined) return undefined;
  const text = link.replace(/^v2\//, '/v2/');
  if (text !== '' && URL.canParse(text, url.href)) {
    const { pathname, search } = new URL(text, url);
    return `${pathname}${search}`;
  }
  const message = `${what} is incomplete: the Link header does not name its next page: ${quoted(headers('link').join(', '))}`;
  throw new DimgxError('DIMGX_REGISTRY_FAILED', message);
}

function endless(what: string): DimgxError {
  return new DimgxError('DIMGX_REGISTRY_FAILED', `${what} is incomplete: its pages do not end`);
}
