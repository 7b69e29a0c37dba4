import { withResources } from '../base/io/resources.js';
import { quoted } from '../base/text/printable.js';
import type { Warn } from '../errors.js';
import { parseRegistryHost } from '../reference/registry-host.js';
import { parseRegistryName } from '../reference/registry-name.js';
import { listPages } from './list-pages.js';
import { openRegistry, openRepository, type RepositoryOptions } from './open-repository.js';

export interface ListOptions extends RepositoryOptions {
  readonly warn: Warn;
  /** Receives details that may help to find the cause of a failure; printable. */
  readonly inform?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The tags of a repository, in the registry's order.
 *
 * @param name as docker reads it; its tag or digest is ignored
 * @throws DIMGX_REFERENCE_INVALID, DIMGX_SOURCE_NO_SUCH_IMAGE, DIMGX_SOURCE_REGISTRY_*, DIMGX_IMAGE_*, DIMGX_ABORTED
 */
export function listTags(name: string, options: ListOptions): Promise<readonly string[]> {
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
 * @throws as `listTags`
 */
export function listCatalog(host: string, options: ListOptions): Promise<readonly string[]> {
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
