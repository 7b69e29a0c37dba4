import { withCall } from '../base/call/call.js';
import { checkOptions, requireThat } from '../check-options.js';
import type { CommonOptions, RegistryOptions } from '../options.js';
import { checkMirrors, withoutScheme } from '../reference/image-name.js';
import { type NameListOptions, readCatalog, readTags } from './list-names.js';
import { type FoundRepository, searchRepositories } from './search-repositories.js';

/** Options of functions that ask a registry for names. */
export interface RegistryListOptions
  extends Pick<CommonOptions, 'signal' | 'onWarning' | 'onInfo'>,
    Omit<RegistryOptions, 'jobs' | 'mirrors' | 'allowForeignLayers'> {}

/** Options of `listTags`. */
export interface ListTagsOptions extends RegistryListOptions, Pick<RegistryOptions, 'mirrors'> {}

/** Options of `searchImages`. */
export interface SearchOptions extends RegistryListOptions {
  /** Maximum number of results: 1 to 10,000. Default 25. */
  readonly limit?: number | undefined;
}

/** The tags of a repository. */
export interface TagList {
  /** As given, without `docker://`. */
  readonly repository: string;
  /** In the registry's order. Untrusted text. */
  readonly tags: readonly string[];
}

/** The repositories of a registry. */
export interface RepositoryList {
  /** As given, without `docker://`. */
  readonly registry: string;
  /** In the registry's order. Untrusted text. */
  readonly repositories: readonly string[];
}

/** What a search found. */
export interface SearchResults {
  readonly term: string;
  readonly results: readonly FoundRepository[];
}

const DEFAULT_LIMIT = 25;

/**
 * Lists the tags of a repository in a registry.
 *
 * @param repository as docker reads names: `debian`, `HOST[:PORT]/PATH`; a tag or digest in it is ignored
 * @throws DIMGX_OPTION_INVALID, DIMGX_REFERENCE_INVALID, DIMGX_SOURCE_NO_SUCH_IMAGE, DIMGX_REGISTRY_*,
 *   DIMGX_IMAGE_*, DIMGX_CALLBACK_FAILED, DIMGX_ABORTED
 */
export async function listTags(repository: string, options: ListTagsOptions = {}): Promise<TagList> {
  const name = nameOf('the repository', repository);
  checkOptions(options);
  checkMirrors(options.mirrors);
  return withCall(options, async (stageOptions) => ({
    repository: name,
    tags: await readTags(name, listOptions(stageOptions)),
  }));
}

/**
 * Lists the repositories of a registry. Some registries list none, or not all of them.
 *
 * @param registry `HOST[:PORT]`
 * @throws as `listTags`
 */
export async function listRepositories(registry: string, options: RegistryListOptions = {}): Promise<RepositoryList> {
  const host = nameOf('the registry', registry);
  checkOptions(options);
  return withCall(options, async (stageOptions) => ({
    registry: host,
    repositories: await readCatalog(host, listOptions(stageOptions)),
  }));
}

/**
 * Searches Docker Hub or, for `HOST[:PORT]/TERM`, the names of a registry's repositories.
 *
 * @throws as `listTags`
 */
export async function searchImages(term: string, options: SearchOptions = {}): Promise<SearchResults> {
  requireThat(typeof term === 'string' && term !== '', 'the term', 'a string that is not empty', term);
  checkOptions(options);
  const { limit = DEFAULT_LIMIT } = options;
  return withCall(options, async (stageOptions) => ({
    term,
    results: await searchRepositories(term, limit, listOptions(stageOptions)),
  }));
}

/** The name as docker reads it. @throws DIMGX_OPTION_INVALID */
function nameOf(what: string, given: string): string {
  requireThat(typeof given === 'string', what, 'a string', given);
  return withoutScheme(given);
}

function listOptions({ onWarning, onInfo, ...options }: ListTagsOptions): NameListOptions {
  return { ...options, warn: (warning) => onWarning?.(warning), inform: onInfo };
}
