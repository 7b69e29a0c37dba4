import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { DimgxError, type Warn } from '../../errors.js';
import { readRegularFile } from '../../file/regular-file.js';
import { isSystemError } from '../../file/system-error.js';
import { homeFolder } from '../../file/user-folders.js';
import { printable } from '../../image/printable.js';

type Environment = Readonly<Record<string, string | undefined>>;

const Flag = v.optional(v.boolean(), false);
const MirrorSchema = v.object({
  location: v.string(),
  insecure: Flag,
  'pull-from-mirror': v.optional(v.picklist(['all', 'digest-only', 'tag-only', '']), ''),
});
const RegistrySchema = v.object({
  prefix: v.optional(v.string(), ''),
  location: v.optional(v.string(), ''),
  insecure: Flag,
  blocked: Flag,
  'mirror-by-digest-only': Flag,
  mirror: v.optional(v.array(MirrorSchema), []),
});
const FileSchema = v.object({ registry: v.optional(v.array(RegistrySchema), []) });

/** How Podman is told to reach the images whose names begin in some way. */
export type RegistryRule = v.InferOutput<typeof RegistrySchema>;

/**
 * The rule of Podman's `registries.conf` for a repository, that of the longest prefix. A file that cannot be read is passed
 * over with a warning. Source: containers-registries.conf(5).
 *
 * @param name of the repository, with its registry
 * @returns with its prefix, which begins the name
 */
export async function registryRule(name: string, env: Environment, warn: Warn): Promise<RegistryRule | undefined> {
  const rules = new Map<string, RegistryRule>();
  for (const path of await configurationFiles(env)) {
    for (const rule of await readRules(path, warn)) rules.set(rule.prefix || rule.location, rule);
  }
  const fitting = [...rules].flatMap(([prefix, rule]) => {
    const begun = beginningOf(name, prefix);
    return begun === undefined ? [] : [{ ...rule, prefix: begun, length: prefix.length }];
  });
  return fitting.sort((a, b) => b.length - a.length)[0];
}

async function configurationFiles(env: Environment): Promise<readonly string[]> {
  const user = join(env.XDG_CONFIG_HOME || join(homeFolder(env), '.config'), 'containers');
  const mains = [join(user, 'registries.conf'), '/etc/containers/registries.conf'];
  const named = env.CONTAINERS_REGISTRIES_CONF;
  const folders = ['/etc/containers/registries.conf.d', join(user, 'registries.conf.d')];
  const main = named ? [named] : (await Promise.all(mains.map(existing))).flat().slice(0, 1);
  return [...main, ...(await Promise.all(folders.map(configurationsIn))).flat()];
}

async function configurationsIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  const conf = names.filter((name) => name.endsWith('.conf')).sort();
  return conf.map((name) => join(folder, name));
}

async function existing(path: string): Promise<readonly string[]> {
  const file = await readRegularFile(path).catch((failure) => failure);
  return isSystemError(file, 'ENOENT', 'ENOTDIR') ? [] : [path];
}

async function readRules(path: string, warn: Warn): Promise<readonly RegistryRule[]> {
  try {
    const text = (await readRegularFile(path)).toString();
    if (!text.includes('[[registry]]')) return [];
    const { parse } = await import('smol-toml');
    return v.parse(FileSchema, parse(text)).registry;
  } catch (failure) {
    const reason = failure instanceof DimgxError ? failure.message : firstLine((failure as Error).message);
    const message = `the mirrors in ${printable(path, 300)} are passed over: ${reason}`;
    warn({ code: 'DIMGX_SOURCE_MIRROR', message, count: 1 });
    return [];
  }
}

function firstLine(text: string): string {
  return printable(text.split('\n', 1)[0] ?? '', 200);
}

/** The beginning of a name that a prefix means; `*.` stands for any host below a domain. */
function beginningOf(name: string, prefix: string): string | undefined {
  if (prefix.startsWith('*.')) {
    const [host = ''] = name.split('/', 1);
    const domain = prefix.slice(1);
    return host.endsWith(domain) && host.length > domain.length ? host : undefined;
  }
  const isWhole = name === prefix || (name.startsWith(prefix) && '/:@'.includes(name[prefix.length] as string));
  return prefix !== '' && isWhole ? prefix : undefined;
}
