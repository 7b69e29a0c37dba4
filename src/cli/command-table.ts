import type { Command } from './command.js';

/** A command that is loaded when it is asked for. */
export interface CommandRow {
  /** For the list of commands. */
  readonly summary: string;
  load(): Promise<{ readonly command: Command }>;
}

/** Commands of one word, and those of two under their first. Images of these names are reached as `./NAME`. */
export const COMMAND_TABLE: Readonly<Record<string, CommandRow | Readonly<Record<string, CommandRow>>>> = {
  pull: { summary: 'download an image into the cache', load: () => import('./commands/pull.js') },
  tags: { summary: 'list the tags of a repository', load: () => import('./commands/tags.js') },
  images: { summary: 'list the images in an archive, layout or index', load: () => import('./commands/images.js') },
  catalog: { summary: 'list the repositories of a registry', load: () => import('./commands/catalog.js') },
  search: { summary: 'search for images', load: () => import('./commands/search.js') },
  cache: {
    ls: { summary: 'list what is in the cache', load: () => import('./commands/cache-ls.js') },
    verify: {
      summary: 'hash all of it, and discard what is damaged',
      load: () => import('./commands/cache-verify.js'),
    },
    prune: {
      summary: 'remove what was used least recently',
      load: () => import('./commands/cache-prune.js'),
    },
    rm: { summary: 'remove blobs', load: () => import('./commands/cache-rm.js') },
  },
  login: { summary: 'store credentials for a registry', load: () => import('./commands/login.js') },
  logout: { summary: 'remove credentials for a registry', load: () => import('./commands/logout.js') },
};

export function isRow(entry: (typeof COMMAND_TABLE)[string]): entry is CommandRow {
  return typeof entry.load === 'function';
}
