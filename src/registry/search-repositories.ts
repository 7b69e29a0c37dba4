import * as v from 'valibot';
import { withResources } from '../base/io/resources.js';
import { MAX_DOCUMENT } from '../base/limits.js';
import { parseDocument } from '../image/document.js';
import { repositoryOf } from '../reference/image-name.js';
import { type NameListOptions, readCatalog } from './list-names.js';
import { openRegistry } from './open-repository.js';

/** A repository found by a search. All texts are untrusted. */
export interface FoundRepository {
  /** The name to pull it by. */
  readonly name: string;
  /** Empty if the registry gives none. */
  readonly description: string;
  /** `undefined` if the registry does not count stars. */
  readonly stars: number | undefined;
  readonly isOfficial: boolean;
}

/** Docker Hub's search host. Source: docker/cli and podman, which send it the same requests. */
const INDEX = 'index.docker.io';
const PAGE = 100;

const ResultSchema = v.object({
  name: v.string(),
  description: v.nullish(v.string(), ''),
  star_count: v.nullish(v.number(), 0),
  is_official: v.nullish(v.boolean(), false),
});
const PageSchema = v.object({
  num_pages: v.nullish(v.number(), 1),
  results: v.nullish(v.array(ResultSchema), []),
});

/**
 * Searches Docker Hub or, for `HOST/TERM`, the names of a registry's repositories.
 *
 * @param limit maximum number of results
 * @throws DIMGX_REGISTRY_*, DIMGX_IMAGE_*, DIMGX_ABORTED
 */
export async function searchRepositories(
  term: string,
  limit: number,
  options: NameListOptions,
): Promise<readonly FoundRepository[]> {
  const { registry, path } = repositoryOf(term.endsWith('/') ? `${term}-` : term);
  if (registry === 'docker.io') return searchHub(term.replace(/^(?:index\.)?docker\.io\//, ''), limit, options);
  const wanted = term.endsWith('/') ? '' : path;
  const names = await readCatalog(registry, options);
  return names
    .filter((name) => name.includes(wanted.toLowerCase()))
    .slice(0, limit)
    .map((name) => ({ name: `${registry}/${name}`, description: '', stars: undefined, isOfficial: false }));
}

function searchHub(term: string, limit: number, options: NameListOptions): Promise<readonly FoundRepository[]> {
  return withResources(async (resources) => {
    const server = await openRegistry(INDEX, { ...options, credentials: NOBODY }, { ...options, resources });
    const found: FoundRepository[] = [];
    const size = Math.min(limit, PAGE);
    try {
      for (let page = 1, pages = 1; page <= pages && found.length < limit; page++) {
        const query = new URLSearchParams({ q: term, n: String(size), page: String(page) });
        const { bytes } = await server.read({ path: `/v1/search?${query}`, scope: '' }, MAX_DOCUMENT);
        const { num_pages, results } = parseDocument(bytes, PageSchema, `the search results of ${INDEX}`);
        pages = results.length > 0 ? num_pages : 0;
        for (const { name, description, star_count, is_official } of results) {
          found.push({ name, description, stars: star_count, isOfficial: is_official });
        }
      }
    } catch (failure) {
      throw await server.explain(failure, 'search results');
    }
    return found.slice(0, limit);
  });
}

/** Results are the same for everyone, so no credentials are sent. */
const NOBODY = { username: '', password: '' };
