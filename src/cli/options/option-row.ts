import {
  type FlattenOptions,
  type LimitOptions,
  parseSize,
  type RecordTargets,
  type SnapshotOptions,
} from '../../index.js';
import { usageError } from './usage-error.js';

/**
 * One option of the command line: how it is written and described, how its value is read, and which option of the
 * library it sets.
 */
export interface OptionRow {
  readonly type: 'boolean' | 'count' | 'string';
  /** What it does, for the help. */
  readonly describe: string;
  /** One letter. */
  readonly alias?: string;
  /** If several options share a slot, the last on the command line counts. Default: the option's own name. */
  readonly slot?: string;
  /** May be given several times; every occurrence counts. */
  readonly repeatable?: boolean;
  /**
   * Its values are those of another option or its own, each with a sign before it: so the order of both options is kept.
   */
  readonly rule?: { readonly of: string; readonly sign: string };
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
  /** Reads the value. Default: the text itself. */
  readonly read?: Read<unknown>;
  /** The option of the library that this option sets. */
  readonly field?: LibraryField;
  /** The value that a flag gives to `field`. */
  readonly means?: unknown;
}

/**
 * Turns the text of a value into the value.
 *
 * @param option as the user would write it, for the message
 * @throws DIMGX_USAGE
 */
export type Read<T> = (option: string, text: string) => T;

/** The options of the library that a command line can set, each with its type. Those in `limits` and `records` are `limits.NAME`. */
type LibraryFields = Required<
  Omit<FlattenOptions & SnapshotOptions, 'limits' | 'records' | 'signal' | `on${string}`> & {
    readonly [K in keyof LimitOptions as `limits.${K}`]: LimitOptions[K];
  } & { readonly [K in keyof RecordTargets as `records.${K}`]: RecordTargets[K] }
>;
export type LibraryField = keyof LibraryFields;
type FieldValue<F extends LibraryField> = Exclude<LibraryFields[F], undefined>;

/** A row that sets a field of the library: its value has the type of the field. */
type LibraryRow = {
  [F in LibraryField]:
    | { readonly type: 'boolean'; readonly field: F; readonly means: FieldValue<F> }
    | (TextRow & { readonly field: F; readonly read: Read<FieldValue<F>> })
    | (string extends FieldValue<F> ? TextRow & { readonly field: F; readonly read?: never } : never)
    | (readonly string[] extends FieldValue<F> ? TextsRow & { readonly field: F } : never);
}[LibraryField];

interface TextRow {
  readonly type: 'string';
  readonly repeatable?: never;
}

interface TextsRow {
  readonly type: 'string';
  readonly repeatable: true;
  readonly read?: never;
}

/** A row whose value the command itself uses. */
interface OwnRow {
  readonly field?: never;
  readonly means?: never;
}

export type OptionTable = Readonly<Record<string, OptionRow & (LibraryRow | OwnRow)>>;

/** The values given for the options in a table. */
export type Given<T extends OptionTable> = { readonly [K in keyof T]?: ValueOf<T[K]> };

type ValueOf<R extends OptionRow> = R extends { readonly type: 'boolean' }
  ? boolean
  : R extends { readonly type: 'count' }
    ? number
    : R extends { readonly repeatable: true }
      ? readonly string[]
      : R extends { readonly read: Read<infer T> }
        ? T
        : string;

/** The options of the library that the options in a table can set. */
export type LibraryOptions<T extends OptionTable> = Pick<FlattenOptions & SnapshotOptions, OptionOf<FieldIn<T>>>;
/** The fields of the library that the options in a table set. */
export type FieldIn<T extends OptionTable> = Extract<T[keyof T], { readonly field: LibraryField }>['field'];
type OptionOf<F extends LibraryField> = F extends keyof FlattenOptions | keyof SnapshotOptions
  ? F
  : F extends `records.${string}`
    ? 'records'
    : 'limits';

export const flag = { type: 'boolean' } as const;
export const text = { type: 'string' } as const;
export const since2015 = { since2015: true } as const;

/** An option whose value is one of a few words. */
export function choice<const T extends string>(choices: readonly T[]) {
  return { type: 'string', choices, read: oneOf(choices) } as const;
}

/** Reads one of a few words. */
export function oneOf<T extends string>(choices: readonly T[]): Read<T> {
  return (option, word) => {
    const found = choices.find((name) => name === word);
    if (found !== undefined) return found;
    throw usageError(`${option} must be one of ${choices.join(', ')}, not "${word}"`);
  };
}

/** Reads a whole number in decimal digits. */
export function wholeNumber(lowest: number, highest = Number.MAX_SAFE_INTEGER): Read<number> {
  return (option, digits) => {
    const count = Number(digits);
    if (/^\d+$/.test(digits) && count >= lowest && count <= highest) return count;
    const bounds = highest === Number.MAX_SAFE_INTEGER ? `from ${lowest}` : `from ${lowest} to ${highest}`;
    throw usageError(`${option} must be a whole number ${bounds}, not "${digits}"`);
  };
}

/** Reads a size in bytes, as `parseSize` does. */
export function byteSize(lowest: number): Read<number> {
  return (option, size) => {
    const bytes = parseSize(size);
    if (bytes !== undefined && bytes >= lowest) return bytes;
    throw usageError(`${option} must be a size such as 500M, 10GB or 1TiB, not "${size}"`);
  };
}
