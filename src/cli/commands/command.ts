import type { Messages } from '../messages/messages.js';
import type { Given, OptionTable } from '../options/read-options.js';
import type { CommandHelp } from './command-help.js';

/** A command line, and what it does. */
export type Example = readonly [line: string, does: string];

/** What a command can use. */
export interface CommandContext extends Messages {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Help for `dimgx` itself and for every command. */
  helps(): Promise<readonly CommandHelp[]>;
  /** Writes to standard output. */
  print(text: string): Promise<void>;
}

/** A subcommand, as its file exports it. */
export interface Command {
  /** What follows its name: `[options] DIGEST...`. */
  readonly usage: string;
  /** What it does, for the help. */
  readonly describe: string;
  /** Two or three command lines, with what each does. */
  readonly examples: readonly Example[];
  /** Options in addition to those for messages and `--help`. */
  readonly options: OptionTable;
  /** @throws DimgxError; the process then exits with its exit code */
  run(given: Readonly<Record<string, unknown>>, operands: readonly string[], context: CommandContext): Promise<void>;
}

/** Gives the options that `run` receives the types from the table. */
export function defineCommand<const T extends OptionTable>(
  command: Omit<Command, 'options' | 'run'> & {
    readonly options: T;
    run(given: Given<T>, operands: readonly string[], context: CommandContext): Promise<void>;
  },
): Command {
  return command as Command;
}
