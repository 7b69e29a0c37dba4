import * as v from 'valibot';
import { DimgxError } from '../../errors.js';
import { parseDocument } from '../../image/document.js';
import { MAX_DOCUMENT } from '../../image/limits.js';
import { nextLink } from './link-header.js';
import type { RegistryServer } from './registry-server.js';

export interface ListRequest {
  /** Behind `/v2/`. */
  readonly path: string;
  readonly scope: string;
  /** Of the list in each page. */
  readonly key: 'tags' | 'repositories';
}

/** Far more than any registry has: one that leads on without an end is left. */
const MAX_NAMES = 10_000_000;

/** That may be empty in a row, as when a registry leaves out what one may not see. */
const MAX_EMPTY = 1000;

/**
 * The names in a list that a registry gives page by page.
 *
 * @throws DIMGX_IMAGE_BAD_JSON, DIMGX_IMAGE_TOO_LARGE, DIMGX_SOURCE_REGISTRY_FAILED, and as `RegistryServer.read`
 */
export async function* listPages(
  server: RegistryServer,
  { path, scope, key }: ListRequest,
): AsyncGenerator<readonly string[]> {
  const what = `the list of ${key} of ${server.location}`;
  const schema = v.object({ [key]: v.nullish(v.array(v.string()), []) });
  const asked = new Set<string>();
  let next: string | undefined = path;
  for (let count = 0, empty = 0; next !== undefined; ) {
    if (asked.has(next)) throw endless(what);
    asked.add(next);
    const { reply, bytes } = await server.read({ path: next, scope }, MAX_DOCUMENT);
    const names: readonly string[] = parseDocument(bytes, schema, what)[key] ?? [];
    yield names;
    count += names.length;
    empty = names.length > 0 ? 0 : empty + 1;
    if (count > MAX_NAMES || empty > MAX_EMPTY) throw endless(what);
    next = pathOf(nextLink(reply.headers('link')), reply.url);
  }
}

/** The next page is the same server's, whatever host its link names. */
function pathOf(link: string | undefined, from: URL): string | undefined {
  if (link === undefined || !URL.canParse(link, from.href)) return undefined;
  const { pathname, search } = new URL(link, from);
  return `${pathname}${search}`;
}

function endless(what: string): DimgxError {
  return new DimgxError('DIMGX_SOURCE_REGISTRY_FAILED', `${what} leads on without an end`);
}
