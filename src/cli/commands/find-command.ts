import { usageError } from '../options/usage-error.js';
import { COMMAND_TABLE, type CommandRow, isRow } from './command-table.js';

/** The words at the beginning of a command line that are the name of a command. */
export interface FoundCommand {
  /** `cache ls`; of a group that lacks its second word, `cache`. */
  readonly name: string;
  /** `undefined` for a group. */
  readonly row: CommandRow | undefined;
  /** What follows the name. */
  readonly args: readonly string[];
}

/** `help [COMMAND]` and `version`, for those who expect commands: what they are as options. */
export function asOptions(args: readonly string[]): readonly string[] {
  const [first, ...rest] = args;
  if (first === 'version' && rest.length === 0) return ['--version'];
  if (first !== 'help') return args;
  const wanted = rest.filter((word) => !word.startsWith('-') && word !== 'help' && word !== 'version');
  const found = findCommand(wanted);
  if (wanted.length > 0 && !found) throw usageError(`there is no command "${wanted.join(' ')}"`);
  return [...wanted, '--help'];
}

/** @returns `undefined` when it does not begin with a command, but with an option or an image */
export function findCommand([first = '', ...rest]: readonly string[]): FoundCommand | undefined {
  const entry = Object.hasOwn(COMMAND_TABLE, first) ? COMMAND_TABLE[first] : undefined;
  if (entry === undefined) return undefined;
  if (isRow(entry)) return { name: first, row: entry, args: rest };
  const [second = '', ...args] = rest;
  const row = Object.hasOwn(entry, second) ? entry[second] : undefined;
  return row ? { name: `${first} ${second}`, row, args } : { name: first, row: undefined, args: rest };
}
