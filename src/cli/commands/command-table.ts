import type { Command } from './command.js';
import { defaultCommand } from './default-command.js';

/** A command that is loaded on demand. */
export interface CommandRow {
  /** Shown in the list of commands. */
  readonly summary: string;
  load(): Promise<Command>;
}

/** What `dimgx IMAGE` does. Its table of options is small, and nearly every start needs it. */
export const DEFAULT_COMMAND: CommandRow = {
  summary: 'flatten an image, or list its layers',
  load: async () => defaultCommand,
};

/** One-word commands, and two-word commands under their first word. An image with such a name is given as `./NAME`. */
export const COMMAND_TABLE: Readonly<Record<string, CommandRow | Readonly<Record<string, CommandRow>>>> = {
  pull: { summary: 'download an image into the cache', load: async () => (await import('./pull.js')).pull },
  tags: { summary: 'list the tags of a repository', load: async () => (await import('./registry.js')).tags },
  images: {
    summary: 'list the images in an archive, layout or index',
    load: async () => (await import('./images.js')).images,
  },
  ls: { summary: 'list the files of an image', load: async () => (await import('./ls.js')).ls },
  cat: { summary: 'print files of an image', load: async () => (await import('./cat.js')).cat },
  cp: { summary: 'copy files out of an image', load: async () => (await import('./cp.js')).cp },
  history: {
    summary: 'tell how an image was built, or what became of a path',
    load: async () => (await import('./history.js')).history,
  },
  snapshot: {
    summary: 'take a snapshot of an image, for evidence',
    load: async () => (await import('./snapshot.js')).snapshotCommand,
  },
  verify: {
    summary: 'check a snapshot, another bag, or an image',
    load: async () => (await import('./verify.js')).verifyCommand,
  },
  whose: {
    summary: 'say to which image or container a path belongs',
    load: async () => (await import('./whose.js')).whose,
  },
  catalog: {
    summary: 'list the repositories of a registry',
    load: async () => (await import('./registry.js')).catalog,
  },
  search: { summary: 'search for images', load: async () => (await import('./registry.js')).search },
  cache: {
    ls: { summary: 'list what is in the cache', load: async () => (await import('./cache.js')).cacheLs },
    verify: {
      summary: 'check every blob, and remove damaged ones',
      load: async () => (await import('./cache.js')).cacheVerify,
    },
    prune: {
      summary: 'remove the least recently used blobs',
      load: async () => (await import('./cache.js')).cachePrune,
    },
    rm: { summary: 'remove blobs', load: async () => (await import('./cache.js')).cacheRm },
  },
  completion: {
    summary: 'print a completion script for a shell',
    load: async () => (await import('./completion.js')).completion,
  },
  login: { summary: 'store credentials for a registry', load: async () => (await import('./login.js')).loginCommand },
  logout: {
    summary: 'remove credentials for a registry',
    load: async () => (await import('./login.js')).logoutCommand,
  },
};

/** Every command with its full name, `cache ls`, in the order of the table. */
export function commandRows(): readonly (readonly [name: string, row: CommandRow])[] {
  return Object.entries(COMMAND_TABLE).flatMap(([word, entry]): (readonly [string, CommandRow])[] =>
    isRow(entry) ? [[word, entry]] : Object.entries(entry).map(([second, row]) => [`${word} ${second}`, row]),
  );
}

/** The second words of a group of commands; empty for any other word. */
export function wordsOf(group: string): readonly string[] {
  const entry = Object.hasOwn(COMMAND_TABLE, group) ? COMMAND_TABLE[group] : undefined;
  return entry === undefined || isRow(entry) ? [] : Object.keys(entry);
}

function isRow(entry: (typeof COMMAND_TABLE)[string]): entry is CommandRow {
  return typeof entry.load === 'function';
}

/** The command that a command line means. */
export interface FoundCommand {
  /** `cache ls`; for a group without its second word, `cache`; empty for `dimgx IMAGE`. */
  readonly name: string;
  /** `undefined` for a group. */
  readonly row: CommandRow | undefined;
  /** What follows the name. */
  readonly args: readonly string[];
}

/**
 * The command named at the beginning of a command line. A line that begins with an option or an image means the default
 * command.
 */
export function findCommand(args: readonly string[]): FoundCommand {
  const [first = '', ...rest] = args;
  const entry = Object.hasOwn(COMMAND_TABLE, first) ? COMMAND_TABLE[first] : undefined;
  if (entry === undefined) return { name: '', row: DEFAULT_COMMAND, args };
  if (isRow(entry)) return { name: first, row: entry, args: rest };
  const [second = '', ...others] = rest;
  const row = Object.hasOwn(entry, second) ? entry[second] : undefined;
  return row ? { name: `${first} ${second}`, row, args: others } : { name: first, row: undefined, args: rest };
}
