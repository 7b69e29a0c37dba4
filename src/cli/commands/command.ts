import type { Messages } from '../messages/messages.js';
import type { Given, OptionTable } from '../options/read-options.js';
import type { CommandHelp } from './command-help.js';

/** A command line, and what it does. */
export type Example = readonly [line: string, does: string];

/** What a command may use. */
export interface CommandContext extends Messages {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** What the help says of `dimgx` itself and of every command. */
  helps(): Promise<readonly CommandHelp[]>;
  /** Writes to standard output. */
  print(text: string): Promise<void>;
}

/** A subcommand, as its file gives it. */
export interface Command {
  /** What follows its name: `[options] DIGEST...`. */
  readonly usage: string;
  /** What it does, for its help. */
  readonly describe: string;
  /** Two or three command lines, and what each does. */
  readonly examples: readonly Example[];
  /** Besides those for messages and `--help`. */
  readonly options: OptionTable;
  /** @throws DimgxError; then the process exits with its code */
  run(given: Readonly<Record<string, unknown>>, operands: readonly string[], context: CommandContext): Promise<void>;
}

/** Gives the options that `run` is handed the types that the table says. */
export function defineCommand<const T extends OptionTable>(
  command: Omit<Command, 'options' | 'run'> & {
    readonly options: T;
    run(given: Given<T>, operands: readonly string[], context: CommandContext): Promise<void>;
  },
): Command {
  return command as Command;
}
