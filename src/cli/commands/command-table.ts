import type { Command } from './command.js';

/** A command that is loaded on demand. */
export interface CommandRow {
  /** Shown in the list of commands. */
  readonly summary: string;
  load(): Promise<{ readonly command: Command }>;
}

/** One-word commands, and two-word commands under their first word. An image with such a name is given as `./NAME`. */
export const COMMAND_TABLE: Readonly<Record<string, CommandRow | Readonly<Record<string, CommandRow>>>> = {
  pull: { summary: 'download an image into the cache', load: () => import('./pull.js') },
  tags: { summary: 'list the tags of a repository', load: () => import('./tags.js') },
  images: { summary: 'list the images in an archive, layout or index', load: () => import('./images.js') },
  catalog: { summary: 'list the repositories of a registry', load: () => import('./catalog.js') },
  search: { summary: 'search for images', load: () => import('./search.js') },
  cache: {
    ls: { summary: 'list what is in the cache', load: () => import('./cache-ls.js') },
    verify: {
      summary: 'check every blob, and remove damaged ones',
      load: () => import('./cache-verify.js'),
    },
    prune: {
      summary: 'remove the least recently used blobs',
      load: () => import('./cache-prune.js'),
    },
    rm: { summary: 'remove blobs', load: () => import('./cache-rm.js') },
  },
  completion: { summary: 'print a completion script for a shell', load: () => import('./completion.js') },
  login: { summary: 'store credentials for a registry', load: () => import('./login.js') },
  logout: { summary: 'remove credentials for a registry', load: () => import('./logout.js') },
};

/** Every command with its full name, `cache ls`, in the order of the table. */
export function commandRows(): readonly (readonly [name: string, row: CommandRow])[] {
  return Object.entries(COMMAND_TABLE).flatMap(([word, entry]): (readonly [string, CommandRow])[] =>
    isRow(entry) ? [[word, entry]] : Object.entries(entry).map(([second, row]) => [`${word} ${second}`, row]),
  );
}

export function isRow(entry: (typeof COMMAND_TABLE)[string]): entry is CommandRow {
  return typeof entry.load === 'function';
}
