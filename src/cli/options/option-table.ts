import { MESSAGE_OPTIONS } from '../messages/messages.js';
import { byteSize, flag, type OptionRow, type OptionTable, since2015, text, wholeNumber } from './option-row.js';
import { COMPRESSION_OPTIONS, OUTPUT_OPTIONS } from './output-options.js';
import { SOURCE_OPTIONS } from './source-options.js';

const LAYER_OPTIONS = {
  layers: {
    ...text,
    metavar: '=SPEC',
    ...since2015,
    repeatable: true,
    alias: 'l',
    field: 'layers',
    describe:
      'select layers: an ID or its first digits, a tag, @N (@1 is the base, @-1 the newest), or a range A:B; repeatable',
  },
  reverse: {
    ...flag,
    ...since2015,
    alias: 'r',
    slot: 'reverse',
    field: 'reverse',
    means: true,
    describe: 'reverse the order: the first layer named wins, or the base',
  },
  'no-reverse': {
    ...flag,
    ...since2015,
    alias: 'R',
    slot: 'reverse',
    describe: 'keep the order: the last layer named wins, or the newest (default)',
  },
  strict: {
    ...flag,
    ...since2015,
    alias: 's',
    slot: 'strict',
    field: 'strict',
    means: true,
    describe: 'fail if a SPEC selects no layer',
  },
  'no-strict': {
    ...flag,
    ...since2015,
    alias: 'S',
    slot: 'strict',
    describe: 'warn if a SPEC selects no layer (default)',
  },
} as const satisfies OptionTable;

const LIMIT_OPTIONS = {
  'strict-input': {
    ...flag,
    field: 'strictInput',
    means: true,
    describe: 'treat warnings about the image as errors',
  },
  'max-size': {
    ...text,
    metavar: '=SIZE',
    read: byteSize(1),
    field: 'limits.maxSize',
    describe: 'limit on the unpacked size of all layers, such as 500M, 10GB or 1TiB (default: 1T)',
  },
  'max-entries': {
    ...text,
    metavar: '=N',
    read: wholeNumber(1),
    field: 'limits.maxEntries',
    describe: 'limit on the number of entries in all layers (default: 10000000)',
  },
} as const satisfies OptionTable;

const { 'strict-input': strictInput, ...LIMITS } = LIMIT_OPTIONS;

const CHECK_OPTIONS = {
  verify: { ...flag, slot: 'verify', field: 'verify', means: true, describe: 'verify digests and sizes (default)' },
  'no-verify': { ...flag, slot: 'verify', field: 'verify', means: false, describe: 'skip verification' },
  'strict-input': strictInput,
  'keep-going': {
    ...flag,
    field: 'keepGoing',
    means: true,
    describe: "leave out files that were changed in an engine's storage, list them, and exit with 2",
  },
  ...LIMITS,
} as const satisfies OptionTable;

/** Which image, which of its layers, and how it is checked: for commands that look into an image. */
export const TREE_OPTIONS = { ...LAYER_OPTIONS, ...SOURCE_OPTIONS, ...CHECK_OPTIONS } as const satisfies OptionTable;

/** The same for a command that verifies everything in any case. */
export const VERIFY_OPTIONS = { ...LIMIT_OPTIONS, ...LAYER_OPTIONS, ...SOURCE_OPTIONS } as const satisfies OptionTable;

/** Answered by every command. */
export const HELP_OPTION = {
  help: { ...flag, ...since2015, answers: true, alias: 'h', describe: 'print this help' },
} as const satisfies OptionTable;

const VERSION_OPTION = {
  version: { ...flag, ...since2015, answers: true, alias: 'V', describe: 'print the version' },
} as const satisfies OptionTable;

/** The commands that are options, too. */
export const OPTION_COMMANDS = { help: 'print help for a command', version: 'print the version' } as const;

/** The options for messages, for a command that writes entries. */
const ENTRY_MESSAGE_OPTIONS = {
  ...MESSAGE_OPTIONS,
  verbose: {
    ...MESSAGE_OPTIONS.verbose,
    describe: 'report what is written (info); -vv also reports what is skipped (debug)',
  },
} as const satisfies OptionTable;

/** Every option of `dimgx IMAGE`, in the order of the help. */
export const OPTION_TABLE = {
  ...OUTPUT_OPTIONS,
  ...LAYER_OPTIONS,
  ...COMPRESSION_OPTIONS,
  ...SOURCE_OPTIONS,
  ...CHECK_OPTIONS,
  ...ENTRY_MESSAGE_OPTIONS,
  ...VERSION_OPTION,
  ...HELP_OPTION,
} as const satisfies OptionTable;

/** Options under one heading of the help. */
export type OptionGroup = readonly [heading: string, options: OptionTable];

export const MESSAGE_GROUP: OptionGroup = ['Messages (on standard error):', MESSAGE_OPTIONS];

const LAYER_GROUP: OptionGroup = ['Which layers, in what order:', LAYER_OPTIONS];
const SOURCE_GROUP: OptionGroup = ['Where the image comes from:', SOURCE_OPTIONS];
const IMAGE_GROUPS: readonly OptionGroup[] = [SOURCE_GROUP, ['Checks and limits:', CHECK_OPTIONS]];

/** The options of `TREE_OPTIONS` under their headings. */
export const TREE_GROUPS: readonly OptionGroup[] = [LAYER_GROUP, ...IMAGE_GROUPS];

/** Most options of `VERIFY_OPTIONS`, under their headings. */
export const VERIFY_GROUPS: readonly OptionGroup[] = [LAYER_GROUP, SOURCE_GROUP];

/** The options of `OPTION_TABLE` under their headings. */
export const OPTION_GROUPS: readonly OptionGroup[] = [
  ['Output:', OUTPUT_OPTIONS],
  LAYER_GROUP,
  ['Compression of the target (default: from its extension):', COMPRESSION_OPTIONS],
  ...IMAGE_GROUPS,
  [MESSAGE_GROUP[0], ENTRY_MESSAGE_OPTIONS],
  ['Other:', { ...VERSION_OPTION, ...HELP_OPTION }],
];

/** The options under all headings, with their names. */
export function optionsIn(groups: readonly OptionGroup[]): readonly (readonly [name: string, row: OptionRow])[] {
  return groups.flatMap(([, options]) => Object.entries<OptionRow>(options));
}
