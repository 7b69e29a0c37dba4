import type { DimgxError } from '../../errors.js';
import { suggestion } from '../options/nearest.js';
import { usageError } from '../options/usage-error.js';
import { COMMAND_TABLE, type CommandRow, commandRows, isRow } from './command-table.js';

/** The command named at the beginning of a command line. */
export interface FoundCommand {
  /** `cache ls`; for a group without its second word, `cache`. */
  readonly name: string;
  /** `undefined` for a group. */
  readonly row: CommandRow | undefined;
  /** What follows the name. */
  readonly args: readonly string[];
}

/** Turns `help [COMMAND]` and `version` into the equivalent options, for users who expect commands. */
export function asOptions(args: readonly string[]): readonly string[] {
  const [first, ...rest] = args;
  if (first === 'version' && rest.length === 0) return ['--version'];
  if (first !== 'help') return args;
  const wanted = rest.filter((word) => !word.startsWith('-') && word !== 'help' && word !== 'version');
  const found = findCommand(wanted);
  if (wanted.length > 0 && !found) throw noCommand(wanted.join(' '));
  return [...wanted, '--help'];
}

/** The DIMGX_CLI_USAGE error for an unknown command. */
export function noCommand(name: string): DimgxError {
  return usageError(`there is no command "${name}"${suggestion(name, commandNames())}`);
}

/** A suggestion if one of the arguments resembles a command; otherwise empty. */
export function commandHint(args: readonly string[]): string {
  for (const word of args.filter((arg) => /^[a-z]+$/.test(arg))) {
    const hint = suggestion(word, Object.keys(COMMAND_TABLE), (name) => `the command ${name}`);
    if (hint !== '') return hint;
  }
  return '';
}

/** Names of all commands: `pull`, `cache ls`. */
export function commandNames(): readonly string[] {
  return commandRows().map(([name]) => name);
}

/** @returns `undefined` if the command line begins with an option or an image, not with a command */
export function findCommand([first = '', ...rest]: readonly string[]): FoundCommand | undefined {
  const entry = Object.hasOwn(COMMAND_TABLE, first) ? COMMAND_TABLE[first] : undefined;
  if (entry === undefined) return undefined;
  if (isRow(entry)) return { name: first, row: entry, args: rest };
  const [second = '', ...args] = rest;
  const row = Object.hasOwn(entry, second) ? entry[second] : undefined;
  return row ? { name: `${first} ${second}`, row, args } : { name: first, row: undefined, args: rest };
}
