import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Environment, homeFolder } from '../base/io/folders.js';
import { printable, quoted } from '../base/text/printable.js';
import { DimgxError, isSystemError } from '../errors.js';
import { type RegistryRule, readRegistriesConf } from './registries-conf-file.js';

/** A rule that matches a name. */
export interface FoundRule extends RegistryRule {
  /** The part of the name after the prefix: empty, or starting with `/` or `:`. */
  readonly rest: string;
}

const SYSTEM = '/etc/containers';

/** Podman's `registries.conf`, merged from all its files. Source: containers-registries.conf(5). */
export class RegistriesConf {
  readonly #rules: readonly RegistryRule[];

  private constructor(rules: readonly RegistryRule[]) {
    this.#rules = rules;
  }

  /** @throws DIMGX_REGISTRY_CONFIG when a file cannot be read or understood */
  static async read(env: Environment): Promise<RegistriesConf> {
    const rules = new Map<string, RegistryRule>();
    for (const path of await configurationFiles(env)) {
      for (const [prefix, rule] of await readRegistriesConf(path)) rules.set(prefix, rule);
    }
    return new RegistriesConf([...rules.values()]);
  }

  /**
   * The rule with the longest prefix. Letter case in the host, and port 443, make no difference.
   *
   * @param name a registry, or a repository with its registry
   */
  find(name: string): FoundRule | undefined {
    const spellings = spellingsOf(name);
    const fitting = this.#rules.flatMap((rule) => {
      const rests = spellings.map((spelling) => restOf(spelling, withLowerCaseHost(rule.prefix)));
      const rest = rests.find((each) => each !== undefined);
      return rest === undefined ? [] : [{ ...rule, rest }];
    });
    return fitting.sort((a, b) => b.prefix.length - a.prefix.length || (a.prefix < b.prefix ? -1 : 1))[0];
  }

  /** @throws DIMGX_REGISTRY_BLOCKED */
  requireAllowed(name: string): void {
    if (!this.find(name)?.isBlocked) return;
    const message = `${quoted(name)} is blocked by Podman's configuration, registries.conf`;
    throw new DimgxError('DIMGX_REGISTRY_BLOCKED', message);
  }
}

/** The name of a repository after a location has replaced its prefix. */
export function movedName(location: string, rest: string): string {
  // a wildcard leaves the port in `rest`; a location with a port or a path replaces it
  return `${location}${/[:/]/.test(location) ? rest.replace(/^:\d+/, '') : rest}`;
}

/**
 * One main file, and the files in the folders beside it. A user's main file replaces the system's, including the files
 * in the system's folder. Other programs look only in `~/.config`, while users expect `XDG_CONFIG_HOME` to work: both
 * are searched.
 */
async function configurationFiles(env: Environment): Promise<readonly string[]> {
  const settings = new Set([join(homeFolder(env), '.config'), env.XDG_CONFIG_HOME || join(homeFolder(env), '.config')]);
  const users = [...settings].map((folder) => join(folder, 'containers'));
  const named = env.CONTAINERS_REGISTRIES_CONF;
  const [own, system] = await Promise.all([
    Promise.all(users.map((folder) => filesIn(folder, 'registries.conf'))).then((files) => files.flat()),
    filesIn(SYSTEM, 'registries.conf'),
  ]);
  const main = named ? [named] : own.length > 0 ? own : system;
  const folders = !named && own.length > 0 ? users : [SYSTEM, ...users];
  const dropIns = await Promise.all(folders.map((folder) => filesIn(join(folder, 'registries.conf.d'), '.conf')));
  return [...main, ...dropIns.flat()];
}

/** The file with this name in a folder. For `.conf`, all files with that ending, sorted, without folders. */
async function filesIn(folder: string, wanted: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const isWanted = (entry: Dirent) =>
      wanted === '.conf' ? entry.name.endsWith(wanted) && !entry.isDirectory() : entry.name === wanted;
    const names = entries.filter(isWanted).map(({ name }) => name);
    return names.sort().map((name) => join(folder, name));
  } catch (failure) {
    if (isSystemError(failure, 'ENOENT', 'ENOTDIR')) return [];
    const message = `${printable(folder, 300)} cannot be read, so dimgx cannot know what is blocked: ${printable(String(failure), 200)}`;
    throw new DimgxError('DIMGX_REGISTRY_CONFIG', message, { cause: failure });
  }
}

/** The name as it is written, and the same name with port 443 removed or added. */
function spellingsOf(name: string): readonly string[] {
  const lower = withLowerCaseHost(name);
  const [host = ''] = lower.split('/', 1);
  const rest = lower.slice(host.length);
  if (host.endsWith(':443')) return [lower, `${host.slice(0, -4)}${rest}`];
  return /:\d+$/.test(host) ? [lower] : [lower, `${host}:443${rest}`];
}

function withLowerCaseHost(name: string): string {
  return name.replace(/^[^/]*/, (host) => host.toLowerCase());
}

/** The rest of a name after a prefix. `*.` matches any host below a domain. */
function restOf(name: string, prefix: string): string | undefined {
  if (prefix.startsWith('*.')) {
    const [host = ''] = name.split(/[:/]/, 1);
    const domain = prefix.slice(1);
    return host.endsWith(domain) && host.length > domain.length ? name.slice(host.length) : undefined;
  }
  if (name === prefix) return '';
  return name.startsWith(prefix) && '/:@'.includes(name[prefix.length] as string)
    ? name.slice(prefix.length)
    : undefined;
}
