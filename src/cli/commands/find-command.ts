import type { DimgxError } from '../../errors.js';
import { suggestion } from '../options/nearest.js';
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
  if (wanted.length > 0 && !found) throw noCommand(wanted.join(' '));
  return [...wanted, '--help'];
}

/** The error for a command that there is not: DIMGX_CLI_USAGE. */
export function noCommand(name: string): DimgxError {
  return usageError(`there is no command "${name}"${suggestion(name, commandNames())}`);
}

/** The command that was meant, where a word among the arguments is like one. */
export function commandHint(args: readonly string[]): string {
  for (const word of args.filter((arg) => /^[a-z]+$/.test(arg))) {
    const hint = suggestion(word, Object.keys(COMMAND_TABLE), (name) => `the command ${name}`);
    if (hint !== '') return hint;
  }
  return '';
}

/** Of all commands: `pull`, `cache ls`. */
export function commandNames(): readonly string[] {
  return Object.entries(COMMAND_TABLE).flatMap(([word, entry]) =>
    isRow(entry) ? [word] : Object.keys(entry).map((second) => `${word} ${second}`),
  );
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
