import type { Options } from 'yargs';
import { LOG_LEVELS } from '../messages/log-level.js';

/** One option: what yargs needs for the help, and what yargs does not know about. */
export interface OptionRow extends Pick<Options, 'describe' | 'group'> {
  readonly type: 'boolean' | 'count' | 'string';
  /** One letter. */
  readonly alias?: string;
  /** If several options share a slot, the last on the command line counts. Default: the option's own name. */
  readonly slot?: string;
  /** May be given several times; every occurrence counts. */
  readonly repeatable?: boolean;
  /** What the option means without a value. A value can follow only after `=`. */
  readonly bare?: string;
  /** An abbreviation that was unambiguous among the options with this flag keeps its meaning. */
  readonly since2015?: boolean;
  /** How the help shows its value. */
  readonly metavar?: string;
  /** The possible values, if there are few. */
  readonly choices?: readonly string[];
  /** What the value names, for shell completion. */
  readonly names?: 'file' | 'directory';
  /** Answers at once; the rest of the command line is ignored. */
  readonly answers?: boolean;
}

export const PULL_CHOICES = ['missing', 'always', 'never'] as const;
export const PROGRESS_CHOICES = ['auto', 'always', 'never'] as const;

const LAYERS = 'Which layers, in what order:';
const OUTPUT = 'Output:';
const COMPRESSION = 'Compression of the target (default: what its extension says):';
const SOURCE = 'Where the image comes from:';
const SAFETY = 'Checks and limits:';
const MESSAGES = 'Messages (on standard error):';
const OTHER = 'Other:';

const flag = { type: 'boolean' } as const;
const text = { type: 'string' } as const;
const since2015 = { since2015: true } as const;

/** Every option of the command line, in the order of the help. */
export const OPTION_TABLE = {
  target: {
    names: 'file',
    ...text,
    metavar: '=PATH',
    ...since2015,
    alias: 't',
    group: OUTPUT,
    describe: 'write the flattened tar to PATH, or to standard output if PATH is "-"; without it, list the layers',
  },
  force: { ...flag, ...since2015, alias: 'w', slot: 'force', group: OUTPUT, describe: 'overwrite PATH if it exists' },
  'no-force': {
    ...flag,
    ...since2015,
    alias: 'W',
    slot: 'force',
    group: OUTPUT,
    describe: 'fail if PATH exists (default)',
  },
  quiet: {
    ...flag,
    ...since2015,
    alias: 'q',
    slot: 'quiet',
    group: OUTPUT,
    describe: 'print only the IDs of the layers, 12 digits each',
  },
  'no-quiet': {
    ...flag,
    ...since2015,
    alias: 'Q',
    slot: 'quiet',
    group: OUTPUT,
    describe: 'print the layers as a table (default)',
  },
  json: { ...flag, group: OUTPUT, describe: 'print JSON: the listing, or with --target a summary of what was written' },
  'exclude-devices': {
    ...flag,
    group: OUTPUT,
    describe: 'leave out device nodes, so that an ordinary user can extract the tar',
  },

  layers: {
    ...text,
    metavar: '=SPEC',
    ...since2015,
    repeatable: true,
    alias: 'l',
    group: LAYERS,
    describe:
      'select layers: an ID or its first digits, a tag, @N (@1 is the base, @-1 the newest), or a range A:B; repeatable',
  },
  reverse: {
    ...flag,
    ...since2015,
    alias: 'r',
    slot: 'reverse',
    group: LAYERS,
    describe: 'reverse the order: the first layer named wins, or the base',
  },
  'no-reverse': {
    ...flag,
    ...since2015,
    alias: 'R',
    slot: 'reverse',
    group: LAYERS,
    describe: 'keep the order: the last layer named wins, or the newest (default)',
  },
  strict: {
    ...flag,
    ...since2015,
    alias: 's',
    slot: 'strict',
    group: LAYERS,
    describe: 'fail if a SPEC selects no layer',
  },
  'no-strict': {
    ...flag,
    ...since2015,
    alias: 'S',
    slot: 'strict',
    group: LAYERS,
    describe: 'warn if a SPEC selects no layer (default)',
  },

  gzip: { ...flag, ...since2015, alias: 'z', slot: 'compression', group: COMPRESSION, describe: 'compress with gzip' },
  bzip2: {
    ...flag,
    ...since2015,
    alias: 'j',
    slot: 'compression',
    group: COMPRESSION,
    describe: 'compress with bzip2',
  },
  xz: { ...flag, alias: 'J', slot: 'compression', group: COMPRESSION, describe: 'compress with xz' },
  zstd: { ...flag, slot: 'compression', group: COMPRESSION, describe: 'compress with zstd' },
  'no-compress': {
    ...flag,
    ...since2015,
    alias: 'C',
    slot: 'compression',
    group: COMPRESSION,
    describe: 'do not compress',
  },
  'compress-level': {
    ...text,
    metavar: '=N',
    ...since2015,
    group: COMPRESSION,
    describe: 'compression level: 0 to 9 for gzip and xz, 1 to 9 for bzip2, 1 to 19 for zstd',
  },

  image: {
    ...text,
    metavar: '=NAME',
    group: SOURCE,
    describe: 'choose one of several images in an archive: its name, its ID, or @N counted from @0',
  },
  blobs: {
    names: 'directory',
    ...text,
    metavar: '=DIR',
    repeatable: true,
    group: SOURCE,
    describe: 'also look in DIR for blobs that the archive or layout lacks, by digest; repeatable',
  },
  platform: {
    ...text,
    metavar: '=PLATFORM',
    group: SOURCE,
    describe:
      'choose the platform: os/arch[/variant] or arch (default: DOCKER_DEFAULT_PLATFORM, or linux on this processor)',
  },
  pull: {
    choices: PULL_CHOICES,
    type: 'string',
    metavar: '[=WHEN]',
    bare: 'missing',
    group: SOURCE,
    describe: 'pull the image first, through the engine if there is one: missing, always or never (default)',
  },
  host: {
    ...text,
    metavar: '=URL',
    group: SOURCE,
    describe: 'URL of the engine (default: what DOCKER_HOST and docker contexts say)',
  },
  'no-cache': { ...flag, group: SOURCE, describe: 'do not use the cache of registry downloads' },
  offline: { ...flag, group: SOURCE, describe: 'take images of registries from the cache only' },
  creds: {
    ...text,
    metavar: '=USER:PASSWORD',
    group: SOURCE,
    describe: 'credentials for the registry (default: those that docker login or podman login stored)',
  },
  authfile: {
    names: 'file',
    ...text,
    metavar: '=FILE',
    group: SOURCE,
    describe: 'read stored credentials from FILE only',
  },
  mirror: {
    ...text,
    metavar: '=HOST=URL',
    repeatable: true,
    group: SOURCE,
    describe: 'ask URL before the registry HOST; repeatable',
  },
  jobs: { ...text, metavar: '=N', group: SOURCE, describe: 'download up to N layers at once (default: 3)' },
  'ca-file': {
    names: 'file',
    ...text,
    metavar: '=PATH',
    group: SOURCE,
    describe: 'also trust the certificate authorities in PATH for registries',
  },
  'cert-dir': {
    names: 'directory',
    ...text,
    metavar: '=DIR',
    group: SOURCE,
    describe: 'also use the certificates in DIR for the registry: *.crt, and NAME.cert with NAME.key',
  },
  'plain-http': { ...flag, group: SOURCE, describe: 'use plain HTTP for the registry' },
  retry: { ...text, metavar: '=N', group: SOURCE, describe: 'retry a failed request up to N times (default: 4)' },
  insecure: { ...flag, group: SOURCE, describe: 'allow plain HTTP and unverified certificates for registries' },
  'allow-foreign-layers': {
    ...flag,
    group: SOURCE,
    describe: 'download foreign layers from the URLs in the manifest',
  },
  'tmp-dir': {
    names: 'directory',
    ...text,
    metavar: '=DIR',
    group: SOURCE,
    describe: "directory for temporary data (default: the system's)",
  },
  threads: {
    ...text,
    metavar: '=N',
    group: SOURCE,
    describe: 'use up to N worker threads (default: one per processor)',
  },

  verify: { ...flag, slot: 'verify', group: SAFETY, describe: 'verify digests and sizes (default)' },
  'no-verify': { ...flag, slot: 'verify', group: SAFETY, describe: 'skip verification' },
  'strict-input': { ...flag, group: SAFETY, describe: 'treat warnings about the image as errors' },
  'max-size': {
    ...text,
    metavar: '=SIZE',
    group: SAFETY,
    describe: 'limit on the unpacked size of all layers, such as 500M, 10GB or 1TiB (default: 1T)',
  },
  'max-entries': {
    ...text,
    metavar: '=N',
    group: SAFETY,
    describe: 'limit on the number of entries in all layers (default: 10000000)',
  },

  'log-level': {
    choices: LOG_LEVELS,
    ...text,
    metavar: '=LEVEL',
    ...since2015,
    group: MESSAGES,
    describe: 'print messages of this level and above: error, warning (default), info or debug',
  },
  'log-format': {
    ...text,
    metavar: '=FORMAT',
    ...since2015,
    group: MESSAGES,
    describe: 'format of messages, as in Python: %(levelname)s, %(message)s, %(asctime)s',
  },
  verbose: {
    type: 'count',
    repeatable: true,
    alias: 'v',
    group: MESSAGES,
    describe: 'report what is written (info); -vv also reports what is skipped (debug)',
  },
  progress: {
    choices: PROGRESS_CHOICES,
    ...text,
    metavar: '=WHEN',
    group: MESSAGES,
    describe: 'show progress bars: auto (default: on a terminal), always or never',
  },

  version: { ...flag, ...since2015, answers: true, alias: 'V', group: OTHER, describe: 'print the version' },
  help: { ...flag, ...since2015, answers: true, alias: 'h', group: OTHER, describe: 'print this help' },
} as const satisfies Readonly<Record<string, OptionRow>>;
