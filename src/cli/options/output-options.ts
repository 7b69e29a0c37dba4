import { flag, type OptionTable, since2015, text, wholeNumber } from './option-row.js';
import { usageError } from './usage-error.js';

/** Which paths are written. */
export const PATH_OPTIONS = {
  'exclude-devices': {
    ...flag,
    field: 'excludeDevices',
    means: true,
    describe: 'leave out device nodes, so that an ordinary user can extract the tar',
  },
  include: {
    ...text,
    metavar: '=GLOB',
    repeatable: true,
    rule: { of: 'include', sign: '+' },
    field: 'paths',
    describe: 'write only the paths that fit GLOB, such as /etc or /usr/**/*.so, with all below them; repeatable',
  },
  exclude: {
    ...text,
    metavar: '=GLOB',
    repeatable: true,
    rule: { of: 'include', sign: '-' },
    describe: 'leave out the paths that fit GLOB; of several --include and --exclude, the last that fits counts',
  },
} as const satisfies OptionTable;

const recordFile = { names: 'file', metavar: '=FILE' } as const;

/** What is written, and where. */
export const OUTPUT_OPTIONS = {
  target: {
    names: 'file',
    ...text,
    metavar: '=PATH',
    ...since2015,
    alias: 't',
    read: readTarget,
    describe: 'write the flattened tar to PATH, or to standard output if PATH is "-"; without it, list the layers',
  },
  force: {
    ...flag,
    ...since2015,
    alias: 'w',
    slot: 'force',
    field: 'force',
    means: true,
    describe: 'overwrite PATH if it exists',
  },
  'no-force': { ...flag, ...since2015, alias: 'W', slot: 'force', describe: 'fail if PATH exists (default)' },
  quiet: {
    ...flag,
    ...since2015,
    alias: 'q',
    slot: 'quiet',
    describe: 'print only the IDs of the layers, 12 digits each',
  },
  'no-quiet': {
    ...flag,
    ...since2015,
    alias: 'Q',
    slot: 'quiet',
    describe: 'print the layers as a table (default)',
  },
  json: { ...flag, describe: 'print JSON: the listing, or with --target a summary of what was written' },
  ...PATH_OPTIONS,
  'hidden-to': {
    ...text,
    names: 'file',
    metavar: '=FILE',
    field: 'hiddenTo',
    describe: 'write a second tar of every version that newer layers hide, under a folder for its layer',
  },
  provenance: {
    ...text,
    ...recordFile,
    field: 'records.provenance',
    describe: 'write JSON lines: where each entry of the tar comes from, its hash, and every hidden version',
  },
  sha256sums: {
    ...text,
    ...recordFile,
    field: 'records.sha256sums',
    describe: 'write the SHA-256 of every file, as sha256sum prints it',
  },
  mtree: { ...text, ...recordFile, field: 'records.mtree', describe: 'write a specification for mtree' },
  bodyfile: {
    ...text,
    ...recordFile,
    field: 'records.bodyfile',
    describe: 'write a body file for mactime of The Sleuth Kit, with hidden versions',
  },
  'tree-digest': {
    ...flag,
    field: 'treeDigest',
    means: true,
    describe: 'print the digest of the flattened tree; without --target, write nothing',
  },
} as const satisfies OptionTable;

const compression = { ...flag, slot: 'compression', field: 'compression' } as const;

/** How the target is compressed. */
export const COMPRESSION_OPTIONS = {
  gzip: { ...compression, ...since2015, alias: 'z', means: 'gzip', describe: 'compress with gzip' },
  bzip2: { ...compression, ...since2015, alias: 'j', means: 'bzip2', describe: 'compress with bzip2' },
  xz: { ...compression, alias: 'J', means: 'xz', describe: 'compress with xz' },
  zstd: { ...compression, means: 'zstd', describe: 'compress with zstd' },
  'no-compress': { ...compression, ...since2015, alias: 'C', means: 'none', describe: 'do not compress' },
  'compress-level': {
    ...text,
    metavar: '=N',
    ...since2015,
    read: wholeNumber(0, 19),
    field: 'level',
    describe: 'compression level: 0 to 9 for gzip and xz, 1 to 9 for bzip2, 1 to 19 for zstd',
  },
} as const satisfies OptionTable;

function readTarget(option: string, path: string): string {
  if (path === '') throw usageError(`${option} needs a path`);
  return path;
}
