import type { Options } from 'yargs';

/** One option, as yargs wants it for the help, and what yargs does not know. */
export interface OptionRow extends Pick<Options, 'describe' | 'group'> {
  readonly type: 'boolean' | 'count' | 'string';
  /** One letter. */
  readonly alias?: string;
  /** Of all options with one slot the last on the command line counts. Default: the option's own name. */
  readonly slot?: string;
  /** May be given several times, and every time counts. */
  readonly repeatable?: boolean;
  /** Its value, if it has one, comes only after `=`; this is what it means without. */
  readonly bare?: string;
  /** Abbreviations that were unambiguous among these keep their meaning. */
  readonly since2015?: boolean;
  /** How its value is shown in the help. */
  readonly metavar?: string;
  /** Answers at once: what follows on the command line is not looked at. */
  readonly answers?: boolean;
}

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
    ...text,
    metavar: '=PATH',
    ...since2015,
    alias: 't',
    group: OUTPUT,
    describe: 'write the flattened tar to PATH, "-" for standard output; without it, list the layers',
  },
  force: { ...flag, ...since2015, alias: 'w', slot: 'force', group: OUTPUT, describe: 'overwrite PATH if it exists' },
  'no-force': { ...flag, ...since2015, alias: 'W', slot: 'force', group: OUTPUT, describe: 'leave it (default)' },
  quiet: {
    ...flag,
    ...since2015,
    alias: 'q',
    slot: 'quiet',
    group: OUTPUT,
    describe: 'list the IDs of the layers only, 12 digits each',
  },
  'no-quiet': { ...flag, ...since2015, alias: 'Q', slot: 'quiet', group: OUTPUT, describe: 'list a table (default)' },
  json: { ...flag, group: OUTPUT, describe: 'list as JSON; with --target, tell in JSON what was written' },
  'exclude-devices': {
    ...flag,
    group: OUTPUT,
    describe: 'leave out device nodes, so that a user other than root can extract the tar',
  },

  layers: {
    ...text,
    metavar: '=SPEC',
    ...since2015,
    repeatable: true,
    alias: 'l',
    group: LAYERS,
    describe:
      'take SPEC: an ID or its first digits, a tag, @N (@1 the base, @-1 the newest), or a range A:B; repeatable',
  },
  reverse: {
    ...flag,
    ...since2015,
    alias: 'r',
    slot: 'reverse',
    group: LAYERS,
    describe: 'turn the order round: the first layer named, or the base, wins',
  },
  'no-reverse': {
    ...flag,
    ...since2015,
    alias: 'R',
    slot: 'reverse',
    group: LAYERS,
    describe: 'the last layer named, or the newest, wins (default)',
  },
  strict: {
    ...flag,
    ...since2015,
    alias: 's',
    slot: 'strict',
    group: LAYERS,
    describe: 'a SPEC that names no layer is an error',
  },
  'no-strict': {
    ...flag,
    ...since2015,
    alias: 'S',
    slot: 'strict',
    group: LAYERS,
    describe: 'it is a warning (default)',
  },

  gzip: { ...flag, ...since2015, alias: 'z', slot: 'compression', group: COMPRESSION, describe: 'gzip' },
  bzip2: { ...flag, ...since2015, alias: 'j', slot: 'compression', group: COMPRESSION, describe: 'bzip2' },
  xz: { ...flag, alias: 'J', slot: 'compression', group: COMPRESSION, describe: 'xz' },
  zstd: { ...flag, slot: 'compression', group: COMPRESSION, describe: 'zstd' },
  'no-compress': { ...flag, ...since2015, alias: 'C', slot: 'compression', group: COMPRESSION, describe: 'none' },
  'compress-level': {
    ...text,
    metavar: '=N',
    ...since2015,
    group: COMPRESSION,
    describe: '0 to 9; bzip2 1 to 9, zstd 1 to 19',
  },

  image: {
    ...text,
    metavar: '=NAME',
    group: SOURCE,
    describe: 'of several images in an archive: its name, its ID, or @N from @0',
  },
  blobs: {
    ...text,
    metavar: '=DIR',
    repeatable: true,
    group: SOURCE,
    describe: 'look in DIR for blobs, by digest, that the archive or layout does not have itself; repeatable',
  },
  platform: {
    ...text,
    metavar: '=PLATFORM',
    group: SOURCE,
    describe:
      'of a multi-platform image: os/arch[/variant] or arch (default: DOCKER_DEFAULT_PLATFORM, or linux on this processor)',
  },
  pull: {
    type: 'string',
    metavar: '[=WHEN]',
    bare: 'missing',
    group: SOURCE,
    describe: 'pull the image first, by the engine or else by dimgx: missing, always or never (default)',
  },
  host: {
    ...text,
    metavar: '=URL',
    group: SOURCE,
    describe: 'URL of the engine (default: what DOCKER_HOST and docker contexts say)',
  },
  'no-cache': { ...flag, group: SOURCE, describe: "do not use the user's cache of what registries gave" },
  offline: { ...flag, group: SOURCE, describe: 'of a registry, take only what is in the cache' },
  creds: {
    ...text,
    metavar: '=USER:PASSWORD',
    group: SOURCE,
    describe: 'for the registry (default: what docker login and podman login have stored)',
  },
  authfile: {
    ...text,
    metavar: '=FILE',
    group: SOURCE,
    describe: 'take stored credentials from FILE alone',
  },
  mirror: {
    ...text,
    metavar: '=HOST=URL',
    repeatable: true,
    group: SOURCE,
    describe: 'ask URL before the registry HOST; repeatable',
  },
  jobs: { ...text, metavar: '=N', group: SOURCE, describe: 'layers downloaded at once (default: 3)' },
  'ca-file': {
    ...text,
    metavar: '=PATH',
    group: SOURCE,
    describe: 'trust the authorities in PATH for registries, too',
  },
  'cert-dir': {
    ...text,
    metavar: '=DIR',
    group: SOURCE,
    describe: 'use the certificates in DIR for the registry, too: *.crt, and NAME.cert with NAME.key',
  },
  'plain-http': { ...flag, group: SOURCE, describe: 'speak plain HTTP with the registry' },
  retry: { ...text, metavar: '=N', group: SOURCE, describe: 'repeat a failed request N times (default: 4)' },
  insecure: { ...flag, group: SOURCE, describe: 'plain HTTP and unchecked certificates for registries' },
  'allow-foreign-layers': {
    ...flag,
    group: SOURCE,
    describe: 'download foreign layers from the URLs in the manifest',
  },
  'tmp-dir': { ...text, metavar: '=DIR', group: SOURCE, describe: "folder for temporary data (default: the system's)" },
  threads: {
    ...text,
    metavar: '=N',
    group: SOURCE,
    describe: 'threads that read, and that compress, at most (default: one for each processor)',
  },

  verify: { ...flag, slot: 'verify', group: SAFETY, describe: 'compare digests and sizes (default)' },
  'no-verify': { ...flag, slot: 'verify', group: SAFETY, describe: 'do not' },
  'strict-input': { ...flag, group: SAFETY, describe: 'warnings about the image are errors' },
  'max-size': {
    ...text,
    metavar: '=SIZE',
    group: SAFETY,
    describe: 'of all layers unpacked, such as 500M, 10GB or 1TiB (default: 1T)',
  },
  'max-entries': { ...text, metavar: '=N', group: SAFETY, describe: 'in all layers together (default: 10000000)' },

  'log-level': {
    ...text,
    metavar: '=LEVEL',
    ...since2015,
    group: MESSAGES,
    describe: 'error, warning (default), info or debug',
  },
  'log-format': {
    ...text,
    metavar: '=FORMAT',
    ...since2015,
    group: MESSAGES,
    describe: 'as in Python: %(levelname)s, %(message)s, %(asctime)s',
  },
  verbose: {
    type: 'count',
    repeatable: true,
    alias: 'v',
    group: MESSAGES,
    describe: 'tell what is written (info); -vv: what is skipped, too (debug)',
  },
  progress: {
    ...text,
    metavar: '=WHEN',
    group: MESSAGES,
    describe: 'bars: auto (default: on a terminal), always or never',
  },

  version: { ...flag, ...since2015, answers: true, alias: 'V', group: OTHER, describe: 'print the version' },
  help: { ...flag, ...since2015, answers: true, alias: 'h', group: OTHER, describe: 'print this' },
} as const satisfies Readonly<Record<string, OptionRow>>;
