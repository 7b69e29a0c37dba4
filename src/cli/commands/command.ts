import type { Progress, Warn } from '../../index.js';
import type { Log } from '../messages/log.js';
import { MESSAGE_OPTIONS } from '../messages/messages.js';
import { flag, type Given, type LibraryOptions, type OptionTable } from '../options/option-row.js';
import { HELP_OPTION, type OptionGroup } from '../options/option-table.js';
import type { CommandHelp } from './command-help.js';

/** A command line, and what it does. */
export type Example = readonly [line: string, does: string];

/** How many operands a command takes: none, one, at most one, or at least one. */
export type OperandCount = 'none' | 'one' | 'optional' | 'some';

export interface Operands<C extends OperandCount = OperandCount> {
  /** As the usage shows it: `REPOSITORY`. */
  readonly name: string;
  readonly count: C;
  /**
   * Completes the error message when there are too few or too many operands, after the name of the command: "needs one
   * repository".
   */
  readonly wanted: string | ((operands: readonly string[]) => string);
  /** What the usage shows, if the last of several operands does not repeat. Default: the name, with `...` if it does. */
  readonly usage?: string;
  /** The possible operands, if there are few. */
  readonly choices?: readonly string[];
  /** What an operand may name, for shell completion. Default: nothing that a shell can complete. */
  readonly names?: 'file';
  /** An empty operand counts as one, and the library refuses it. Default: it counts as missing. */
  readonly mayBeEmpty?: boolean;
}

/** The operands of a command, once they are checked. */
export interface CheckedOperands {
  readonly none: readonly [];
  readonly one: readonly [string];
  readonly optional: readonly [] | readonly [string];
  readonly some: readonly [string, ...string[]];
}

/** Makes library calls stop at a signal, and their messages and progress go to standard error. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly onWarning: Warn;
  readonly onInfo: (message: string) => void;
  readonly onProgress?: (progress: Progress) => void;
}

/** What a command can use. */
export interface CommandContext<T extends OptionTable = OptionTable, C extends OperandCount = OperandCount> {
  readonly operands: CheckedOperands[C];
  /** The values of its options. */
  readonly given: Given<T>;
  /** What its options mean to the library, and how library calls report. */
  readonly library: LibraryOptions<T> & CallOptions;
  /** `--json` is given. */
  readonly json: boolean;
  readonly log: Log;
  /** Help for `dimgx` itself and for every command. */
  helps(): Promise<readonly CommandHelp[]>;
}

/** What a command prints. */
export interface Result {
  /** For people, with line ends; bytes if it is not text. */
  text(): string | Uint8Array;
  /** For scripts. Later versions may add keys but remove none. Must be there if `--json` is given. */
  json?(): unknown;
  /** The same for several documents, each on a line of its own. */
  jsonLines?(): readonly unknown[];
  /** Where it is printed. Default: standard output. */
  readonly stream?: NodeJS.WriteStream;
}

/** A command, as its file exports it. */
export interface Command {
  /** The options in the usage. Default: `[options]`. */
  readonly synopsis?: string;
  /** What it does, for the help. */
  readonly describe: string;
  /** Two or three command lines, with what each does. */
  readonly examples: readonly Example[];
  /** Default: none. */
  readonly operands?: Operands;
  /** Options in addition to those for messages, `--json` and `--help`. */
  readonly options: OptionTable;
  /** All of its options under headings. Default: the headings of subcommands. */
  readonly groups?: readonly OptionGroup[];
  /** Options that it shares with others, under headings of their own. The rest is under the headings of subcommands. */
  readonly shared?: readonly OptionGroup[];
  /** What the help says of `--json`. Absent: the command has no such option. */
  readonly json?: string;
  /**
   * Does the work. A command with several results, or with an error to report after a result, is a generator.
   *
   * @throws DimgxError; the process then exits with its exit code
   */
  run(context: CommandContext): Promise<Result> | AsyncIterable<Result>;
}

/** Gives the values that `run` receives the types from the declaration. */
export function defineCommand<const T extends OptionTable, const C extends OperandCount = 'none'>(
  command: Omit<Command, 'options' | 'operands' | 'run'> & {
    readonly operands?: Operands<C>;
    readonly options: T;
    run(context: CommandContext<T, C>): Promise<Result> | AsyncIterable<Result>;
  },
): Command {
  return command as Command;
}

/** The options that only this command has, in the order of its help. */
export function ownOptions({ json, options }: Command): OptionTable {
  return { ...(json !== undefined && { json: { ...flag, describe: json } }), ...options };
}

/** Every option that a command understands. */
export function optionsOf(command: Command): OptionTable {
  return { ...ownOptions(command), ...MESSAGE_OPTIONS, ...HELP_OPTION };
}

/** What follows the name of a command on its line. */
export function usageOf(command: Command): string {
  const { synopsis = Object.keys(ownOptions(command)).length > 0 ? '[options]' : '', operands } = command;
  return [synopsis, operands ? operandsText(operands) : ''].filter((part) => part !== '').join(' ');
}

function operandsText({ name, count, usage }: Operands): string {
  if (usage !== undefined) return usage;
  if (count === 'optional') return `[${name}]`;
  return count === 'some' ? `${name}...` : name;
}
