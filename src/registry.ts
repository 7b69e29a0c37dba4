/** The door `dimgx/registry`: what registries have, and the credentials for them. */
export { DimgxError } from './errors.js';
export { parseRegistryHost } from './reference/image-name.js';
export type { RemovedLogin } from './registry/credentials/remove-all-logins.js';
export {
  type LoginOptions,
  type LoginResult,
  type LogoutAllResult,
  type LogoutOptions,
  type LogoutResult,
  login,
  logout,
  logoutAll,
} from './registry/login.js';
export {
  type ListTagsOptions,
  listRepositories,
  listTags,
  type RegistryListOptions,
  type RepositoryList,
  type SearchOptions,
  type SearchResults,
  searchImages,
  type TagList,
} from './registry/registry-lists.js';
export type { FoundRepository } from './registry/search-repositories.js';
export { type PulledImage, type PulledLayer, type PullImageOptions, pullImage } from './source/pulled-image.js';
