import parse from 'yargs-parser';
import type { CompressionName } from '../compression/codec.js';
import type { FlattenOptions } from '../flatten.js';
import type { Argv } from './argv.js';
import { LOG_LEVELS, type LogLevel } from './log-level.js';
import { OPTION_TABLE, type OptionRow } from './option-table.js';
import { parseCount, parseSize } from './parse-number.js';
import { usageError } from './usage-error.js';

/** What the command line asks for. */
export interface Invocation {
  readonly action: 'list' | 'flatten';
  readonly reference: string;
  /** A path, or `-`; empty with `list`. */
  readonly target: string;
  readonly library: FlattenOptions;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: string | undefined;
  readonly progress: ProgressChoice;
}

const PROGRESS_CHOICES = ['auto', 'always', 'never'] as const;
const PULL_CHOICES = ['missing', 'always', 'never'] as const;
export type ProgressChoice = (typeof PROGRESS_CHOICES)[number];

/**
 * Reads the options and operands of a normalised command line that asks neither for help nor for the version.
 *
 * @throws DIMGX_CLI_USAGE; DIMGX_SOURCE_UNSUPPORTED for what a later version will do
 */
export function parseOptions(argv: Argv): Invocation {
  const given = read(argv);
  const [reference, ...others] = argv.operands;
  if (reference === undefined || reference === '') throw usageError('no image is named');
  if (others.length > 0) throw usageError(`one image at a time, not also "${others.join('", "')}"`);
  if (given.target === '') throw usageError('--target wants a path');

  return {
    action: given.target === undefined ? 'list' : 'flatten',
    reference,
    target: given.target ?? '',
    library: libraryOptions(given),
    json: given.json === true,
    quiet: given.quiet === true,
    logLevel: logLevelOf(given['log-level'], given.verbose ?? 0),
    logFormat: given['log-format'],
    progress: given.progress === undefined ? 'auto' : oneOf('--progress', given.progress, PROGRESS_CHOICES),
  };
}

interface Values {
  readonly boolean: boolean;
  readonly count: number;
  readonly string: string;
}

type Given = {
  readonly [K in Exclude<keyof typeof OPTION_TABLE, Repeatable>]?: Values[(typeof OPTION_TABLE)[K]['type']];
} & { readonly [K in Repeatable]?: string | readonly string[] };

type Repeatable = 'layers' | 'mirror';

/**
 * The parser of yargs by itself: yargs as a whole would double the start-up, and only `--help` needs it. It sees one
 * spelling for each option, always with `=` before a value.
 */
function read({ options }: Argv): Given {
  const ofType = (type: keyof Values) => entries.flatMap(([name, row]) => (row.type === type ? name : []));
  const entries = Object.entries<OptionRow>(OPTION_TABLE);
  const strings = ofType('string');
  return parse([...options], {
    boolean: ofType('boolean'),
    count: ofType('count'),
    string: strings,
    // With a number of values, the parser leaves quotes around a value alone.
    narg: Object.fromEntries(strings.map((name) => [name, 1])),
    configuration: {
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
    },
  }) as Given;
}

function libraryOptions(given: Given): FlattenOptions {
  const limits = defined({
    maxSize: parsed('--max-size', given['max-size'], parseSize),
    maxEntries: parsed('--max-entries', given['max-entries'], (option, text) => parseCount(option, text, 1)),
  });
  return defined({
    layers: given.layers === undefined ? undefined : [given.layers].flat(),
    reverse: given.reverse,
    strict: given.strict,
    force: given.force,
    compression: compressionOf(given),
    level: parsed('--compress-level', given['compress-level'], (option, text) => parseCount(option, text, 0, 19)),
    platform: parsed('--platform', given.platform, parsePlatform),
    image: given.image,
    host: given.host,
    pull: parsed('--pull', given.pull, (option, text) => oneOf(option, text, PULL_CHOICES)),
    credentials: parsed('--creds', given.creds, parseCredentials),
    mirrors: given.mirror === undefined ? undefined : [given.mirror].flat(),
    jobs: parsed('--jobs', given.jobs, (option, text) => parseCount(option, text, 1, 64)),
    caFile: given['ca-file'],
    insecure: given.insecure,
    allowForeignLayers: given['allow-foreign-layers'],
    tmpDir: given['tmp-dir'],
    threads: parsed('--threads', given.threads, (option, text) => parseCount(option, text, 1)),
    verify: given['no-verify'] ? false : given.verify,
    strictInput: given['strict-input'],
    limits: Object.keys(limits).length > 0 ? limits : undefined,
  });
}

function compressionOf(given: Given): CompressionName | undefined {
  if (given['no-compress']) return 'none';
  return (['gzip', 'bzip2', 'xz', 'zstd'] as const).find((name) => given[name]);
}

function logLevelOf(name: string | undefined, verbose: number): LogLevel {
  const named = name === undefined ? 'warning' : oneOf('--log-level', name.toLowerCase(), LOG_LEVELS);
  const least = LOG_LEVELS.indexOf('warning') + verbose;
  return (
    LOG_LEVELS[Math.min(Math.max(LOG_LEVELS.indexOf(named), verbose > 0 ? least : 0), LOG_LEVELS.length - 1)] ?? named
  );
}

function parsePlatform(option: string, text: string): string {
  if (/^[^/\s]+\/[^/\s]+(\/[^/\s]+)?$/.test(text)) return text;
  throw usageError(`${option} wants os/arch or os/arch/variant, not "${text}"`);
}

/** The message must not tell the password. */
function parseCredentials(option: string, text: string) {
  const colon = text.indexOf(':');
  if (colon < 1) throw usageError(`${option} wants USER:PASSWORD`);
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function oneOf<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((name) => name === text);
  if (choice !== undefined) return choice;
  throw usageError(`${option} is one of ${choices.join(', ')}, not "${text}"`);
}

function parsed<T>(
  option: string,
  text: string | undefined,
  parse: (option: string, text: string) => T,
): T | undefined {
  return text === undefined ? undefined : parse(option, text);
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what was not given, so that the library's own defaults hold. */
function defined<T extends object>(options: T): Defined<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>;
}
