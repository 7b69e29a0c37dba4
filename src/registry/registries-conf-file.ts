import { realpath } from 'node:fs/promises';
import * as v from 'valibot';
import { readRegularFile } from '../base/io/regular-file.js';
import { printable } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';

/** Where and how to pull the images whose names start with a prefix. */
export interface RegistryRule {
  /** `HOST[:PORT][/PATH]`, or `*.DOMAIN`. */
  readonly prefix: string;
  /** Replaces the prefix; empty if the prefix stays. */
  readonly location: string;
  readonly isInsecure: boolean;
  readonly isBlocked: boolean;
  readonly mirrors: readonly RuleMirror[];
}

export interface RuleMirror {
  readonly location: string;
  readonly isInsecure: boolean;
  /** Which requests the mirror may answer. */
  readonly serves: 'all' | 'digest' | 'tag';
}

const Flag = v.optional(v.boolean(), false);
const Text = v.optional(v.string(), '');
const LocationSchema = v.pipe(
  Text,
  v.check((text) => !/^https?:\/\//.test(text), 'a location has no scheme'),
  v.transform((text) => text.replace(/\/+$/, '')),
);
const SERVES = { '': 'all', all: 'all', 'digest-only': 'digest', 'tag-only': 'tag' } as const;
/** A table. `v.object` alone would accept arrays too. */
const table = <T extends v.ObjectEntries>(entries: T) =>
  v.pipe(
    v.unknown(),
    v.check((value) => !Array.isArray(value), 'a table is required, not a list'),
    v.object(entries),
  );
const MirrorSchema = table({
  location: v.pipe(LocationSchema, v.nonEmpty('a mirror needs a location')),
  insecure: Flag,
  'pull-from-mirror': v.optional(v.picklist(['', 'all', 'digest-only', 'tag-only']), ''),
});
const RegistrySchema = table({
  prefix: LocationSchema,
  location: LocationSchema,
  insecure: Flag,
  blocked: Flag,
  'mirror-by-digest-only': Flag,
  'pull-from-mirror': v.optional(v.literal('', 'pull-from-mirror is allowed only for mirrors'), ''),
  mirror: v.optional(v.array(MirrorSchema), []),
});
const Names = v.optional(table({ registries: v.optional(v.array(v.string()), []) }), {});
const FileSchema = table({
  registry: v.optional(v.array(RegistrySchema), []),
  registries: v.optional(table({ search: Names, insecure: Names, block: Names })),
});
type ConfEntry = v.InferOutput<typeof RegistrySchema>;

/**
 * Reads the rules of one `registries.conf`, in version 2 or 1 of the format. Keys may be in either case, and the first
 * of several rules for a prefix wins. Source: containers-registries.conf(5), and the reader in containers/image.
 *
 * @returns the rules, by prefix
 * @throws DIMGX_REGISTRY_CONFIG if the file cannot be read or understood, because what it blocks is then unknown
 */
export async function readRegistriesConf(path: string): Promise<ReadonlyMap<string, RegistryRule>> {
  try {
    const { parse } = await import('smol-toml');
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readConfiguration(path));
    const parsed = v.safeParse(FileSchema, withLowerCaseKeys(parse(text)));
    if (!parsed.success) throw new Error(issueText(parsed.issues[0]));
    return rulesOf(parsed.output);
  } catch (failure) {
    const reason = failure instanceof DimgxError ? failure.message : firstLine((failure as Error).message);
    const message = `${printable(path, 300)} cannot be parsed, so dimgx cannot know what it blocks: ${reason}`;
    throw new DimgxError('DIMGX_REGISTRY_CONFIG', message, { cause: failure });
  }
}

/** Users mask such a file by linking it to `/dev/null`. */
async function readConfiguration(path: string): Promise<Buffer> {
  return (await realpath(path)) === '/dev/null' ? Buffer.alloc(0) : readRegularFile(path);
}

/** Two keys that differ only in case would be ambiguous. The names of aliases are not keys of the format. */
function withLowerCaseKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withLowerCaseKeys);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const known = Object.entries(value).filter(([key]) => key.toLowerCase() !== 'aliases');
  const entries = known.map(([key, each]) => [key.toLowerCase(), withLowerCaseKeys(each)] as const);
  const folded = new Map(entries);
  if (folded.size < entries.length) throw new Error('a key occurs twice, in upper and in lower case');
  return Object.fromEntries(folded);
}

function rulesOf({ registry, registries }: v.InferOutput<typeof FileSchema>): ReadonlyMap<string, RegistryRule> {
  if (registries && registry.length > 0) throw new Error('it mixes versions 1 and 2 of the format');
  const rules = registries ? rulesOfVersion1(registries.block.registries, registries.insecure.registries) : [];
  rules.push(...registry.map(ruleOf));
  const byLocation = new Map<string, RegistryRule>();
  for (const rule of rules) {
    const place = rule.location || rule.prefix;
    const other = byLocation.get(place) ?? rule;
    if (other.isBlocked !== rule.isBlocked || other.isInsecure !== rule.isInsecure) {
      throw new Error(`two rules for ${place} differ in what is blocked or insecure`);
    }
    byLocation.set(place, other);
  }
  return new Map(rules.toReversed().map((rule) => [rule.prefix, rule]));
}

function ruleOf(entry: ConfEntry): RegistryRule {
  const { location, insecure: isInsecure, blocked: isBlocked } = entry;
  const prefix = entry.prefix || location;
  const isWildcard = prefix.startsWith('*.');
  if (prefix === '') throw new Error('a rule has neither prefix nor location');
  if (location === '' && !isWildcard) throw new Error(`the rule for ${prefix} has no location`);
  if (isWildcard && /[/@:]/.test(prefix)) throw new Error(`the prefix ${prefix} is more than *.DOMAIN`);
  const isDigestOnly = entry['mirror-by-digest-only'];
  const mirrors = entry.mirror.map((mirror): RuleMirror => {
    const wanted = mirror['pull-from-mirror'];
    if (isDigestOnly && wanted !== '') throw new Error(`${prefix} has mirror-by-digest-only and pull-from-mirror`);
    const serves = isDigestOnly ? 'digest' : SERVES[wanted];
    return { location: mirror.location, isInsecure: mirror.insecure, serves };
  });
  return { prefix, location, isInsecure, isBlocked, mirrors };
}

function rulesOfVersion1(blocked: readonly string[] = [], insecure: readonly string[] = []): RegistryRule[] {
  const places = new Set([...blocked, ...insecure].map((place) => v.parse(LocationSchema, place)));
  const has = (places: readonly string[], place: string) =>
    places.some((each) => v.parse(LocationSchema, each) === place);
  return [...places].map((prefix) => {
    const flags = { isInsecure: has(insecure, prefix), isBlocked: has(blocked, prefix) };
    return { prefix, location: prefix, ...flags, mirrors: [] };
  });
}

function issueText(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `${path}: ${issue.message}`;
}

function firstLine(text: string): string {
  return printable(text.split('\n', 1)[0] ?? '', 200);
}
