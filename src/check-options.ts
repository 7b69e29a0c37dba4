import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { pathData, printable, quoted, reasonOf } from './base/text/printable.js';
import { CODEC_NAMES } from './compression/codecs.js';
import { DimgxError, wrongType } from './errors.js';

interface Rule {
  /** Requirement on the value, to follow "must be". */
  readonly must: string;
  readonly holds: (value: unknown) => boolean;
  /** The rule for each element of an array. */
  readonly each?: Rule;
}

const TEXT: Rule = { must: 'a string', holds: (value) => typeof value === 'string' };
const TEXTS: Rule = { must: 'an array of strings', holds: Array.isArray, each: TEXT };
const SWITCH: Rule = { must: 'true or false', holds: (value) => typeof value === 'boolean' };
const CALLBACK: Rule = { must: 'a function', holds: (value) => typeof value === 'function' };
const LEVEL: Rule = { must: 'a whole number', holds: (value) => Number.isSafeInteger(value) };
const COUNT: Rule = {
  must: 'a whole number of at least 1',
  holds: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
};
const BOUND: Rule = {
  must: 'a whole number of at least 0, or Infinity',
  holds: (value) => value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && (value as number) >= 0),
};
const LIST: Rule = { must: 'an array', holds: Array.isArray };
const SIGNAL: Rule = {
  must: 'an AbortSignal',
  holds: (value) => isObject(value) && typeof value.aborted === 'boolean' && CALLBACK.holds(value.addEventListener),
};
const OUTPUT: Rule = {
  must: 'a path or a Writable',
  holds: (value) => (TEXT.holds(value) && value !== '') || (isObject(value) && CALLBACK.holds(value.write)),
};
const CACHE: Rule = { must: 'a string or false', holds: (value) => value === false || TEXT.holds(value) };

/** The checks for the options of all functions. An option means the same in each of them. */
const RULES: Readonly<Record<string, Rule>> = {
  signal: SIGNAL,
  onProgress: CALLBACK,
  onWarning: CALLBACK,
  onInfo: CALLBACK,
  onEntry: CALLBACK,
  onTreeDigest: CALLBACK,
  strictInput: SWITCH,
  authFile: TEXT,
  jobs: between(1, 64),
  caFile: TEXT,
  certDir: TEXT,
  insecure: SWITCH,
  plainHttp: SWITCH,
  retry: between(0, 100),
  limit: between(1, 10_000),
  mirrors: TEXTS,
  allowForeignLayers: SWITCH,
  platform: TEXT,
  image: TEXT,
  blobs: TEXTS,
  host: TEXT,
  keepGoing: SWITCH,
  uidMap: TEXT,
  gidMap: TEXT,
  pull: oneOf('missing', 'always', 'never'),
  cache: CACHE,
  maxSize: BOUND,
  offline: SWITCH,
  tmpDir: TEXT,
  verify: SWITCH,
  'limits.maxSize': BOUND,
  'limits.maxEntries': BOUND,
  layers: TEXTS,
  reverse: SWITCH,
  strict: SWITCH,
  select: LIST,
  threads: COUNT,
  compression: oneOf('none', ...CODEC_NAMES),
  level: LEVEL,
  force: SWITCH,
  excludeDevices: SWITCH,
  paths: TEXTS,
  explain: SWITCH,
  caseNumber: TEXT,
  evidenceNumber: TEXT,
  description: TEXT,
  examiner: TEXT,
  notes: TEXT,
  treeDigest: SWITCH,
  headersOnly: SWITCH,
  parents: SWITCH,
  recursive: SWITCH,
  hidden: SWITCH,
  hiddenTo: OUTPUT,
  'records.provenance': OUTPUT,
  'records.sha256sums': OUTPUT,
  'records.mtree': OUTPUT,
  'records.bodyfile': OUTPUT,
};

/** Options that are themselves objects. */
const GROUPS: readonly string[] = ['credentials', 'limits', 'records'];

/**
 * Validates the options of a public function, for callers without a type checker. `undefined` counts as absent; unknown
 * names are ignored.
 *
 * @throws DIMGX_OPTION_INVALID
 */
export function checkOptions(options: unknown): void {
  requireThat(isObject(options), 'the options', 'an object', options);
  checkObject(options as Record<string, unknown>, '');
}

function checkObject(options: Readonly<Record<string, unknown>>, prefix: string): void {
  for (const name in options) {
    const value = options[name];
    if (value === undefined) continue;
    const full = prefix + name;
    const rule = Object.hasOwn(RULES, full) ? RULES[full] : undefined;
    if (rule) requireRule(rule, `the option ${full}`, value);
    if (prefix !== '' || !GROUPS.includes(name)) continue;
    requireThat(isObject(value), `the option ${name}`, 'an object', value);
    if (name === 'credentials') requireCredentials(value as Record<string, unknown>);
    else checkObject(value as Record<string, unknown>, `${name}.`);
  }
}

/** The error does not reveal the password. @throws DIMGX_OPTION_INVALID */
function requireCredentials(credentials: Readonly<Record<string, unknown>>): void {
  for (const part of ['username', 'password']) {
    const value = credentials[part];
    if (typeof value !== 'string') throw wrongType(`the option credentials.${part}`, 'a string', value);
  }
}

function requireRule({ holds, must, each }: Rule, what: string, value: unknown): void {
  requireThat(holds(value), what, must, value);
  if (!each) return;
  for (const element of value as readonly unknown[]) requireRule(each, `each element of ${what}`, element);
}

/** @throws DIMGX_OPTION_INVALID if it is not an array of strings */
export function requireTexts(what: string, value: unknown): void {
  requireRule(TEXTS, what, value);
}

/** Checks the option `cache` of functions that cannot do without a cache. @throws DIMGX_OPTION_INVALID */
export function requireCacheFolder(options: { readonly cache?: unknown } | undefined): void {
  const cache = options?.cache;
  if (cache !== undefined) requireRule(TEXT, 'the option cache', cache);
}

/** @throws DIMGX_OPTION_INVALID if `holds` is false */
export function requireThat(holds: boolean, what: string, must: string, value: unknown): void {
  if (holds) return;
  throw new DimgxError('DIMGX_OPTION_INVALID', `${what} must be ${must}, not ${shown(value)}`);
}

/**
 * Checks the folder for temporary data, if one is given, before anything is written there.
 *
 * @throws DIMGX_SOURCE_NO_SPACE
 */
export async function checkTmpDir(tmpDir: string | undefined): Promise<void> {
  if (tmpDir === undefined) return;
  const refuse = (why: string, cause?: unknown): never => {
    const message = `temporary data cannot be written to ${quoted(tmpDir)}: ${why}`;
    throw new DimgxError('DIMGX_SOURCE_NO_SPACE', message, { ...pathData(tmpDir), cause });
  };
  try {
    if (!(await stat(tmpDir)).isDirectory()) refuse('it is not a directory');
    await access(tmpDir, constants.W_OK | constants.X_OK);
  } catch (failure) {
    if (failure instanceof DimgxError) throw failure;
    const isMissing = (failure as NodeJS.ErrnoException).code === 'ENOENT';
    refuse(isMissing ? 'no such directory' : reasonOf(failure), failure);
  }
}

/** Whole numbers, including both ends. */
function between(least: number, most: number): Rule {
  const must = `a whole number from ${least} to ${most}`;
  return { must, holds: (value) => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most };
}

function oneOf(...choices: readonly string[]): Rule {
  return { must: `one of ${choices.join(', ')}`, holds: (value) => choices.includes(value as string) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' && value !== null && !Array.isArray(value)) || typeof value === 'function';
}

function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  return Array.isArray(value) ? 'an array' : `of type ${printable(typeof value)}`;
}
