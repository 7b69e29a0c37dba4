import { access } from 'node:fs/promises';
import type { DimgxError } from '../../index.js';
import { OPTION_COMMANDS } from '../options/option-table.js';
import { nearest, UsageError, usageError } from '../options/usage-error.js';
import { COMMAND_TABLE, commandRows, findCommand, wordsOf } from './command-table.js';

/** Every word that can begin a command. */
const FIRST_WORDS: readonly string[] = [...Object.keys(COMMAND_TABLE), ...Object.keys(OPTION_COMMANDS)];

/**
 * Turns `help [COMMAND]` and `version` into the equivalent options, for users who expect commands.
 *
 * @throws DIMGX_USAGE
 */
export function asOptions(args: readonly string[]): readonly string[] {
  const [first, ...rest] = args;
  const isHelp = (word: string) => word === '--help' || word === '-h';
  if (first === 'version') {
    if (rest.length > 0 && !rest.some(isHelp)) throw usageError('version takes no options and no operands');
    return rest.length > 0 ? ['--help'] : ['--version'];
  }
  if (first !== 'help') return args;
  const words = rest.filter((word) => !isHelp(word));
  const option = words.find((word) => word.startsWith('-'));
  if (option !== undefined) throw usageError(`help takes the name of a command, such as "pull", not "${option}"`);
  const [word = 'help', ...others] = words;
  if (word in OPTION_COMMANDS && others.length === 0) return ['--help'];
  const found = findCommand(words);
  if (found.name === '') throw noCommand(words);
  const [extra] = found.args;
  if (extra === undefined) return [...words, '--help'];
  if (found.row === undefined) throw noCommand(words);
  throw usageError(`help takes one command, not also "${extra}"; did you mean "help ${found.name}"?`);
}

/** The DIMGX_USAGE error for a group whose second word is missing or unknown. */
export function incompleteCommand(group: string, [word]: readonly string[]): DimgxError {
  if (word !== undefined) return noCommand([group, word]);
  const example = commandRows().find(([name]) => name.startsWith(`${group} `))?.[0];
  return usageError(`${group} needs another word, such as "${example}"`);
}

/**
 * The DIMGX_USAGE error for several operands of which one is a command that does not come first, or the first resembles
 * a command.
 *
 * @returns `undefined` if the operands look like images
 */
export async function misplacedCommand(operands: readonly string[]): Promise<DimgxError | undefined> {
  const [first = ''] = operands;
  if (!FIRST_WORDS.includes(first) && similarCommand(operands) !== undefined && !(await isPath(first))) {
    return noCommand(operands);
  }
  const command = operands.find((word) => FIRST_WORDS.includes(word));
  return command === undefined ? undefined : usageError(`${comesFirst(command)} …`);
}

/**
 * What the user may have meant by a command line that was taken for `dimgx IMAGE`, and failed.
 *
 * @param args the whole command line
 * @param operands those that were read from it
 * @returns text to append to the message; empty if nothing on the line looks like a command
 */
export async function commandHint(
  failure: unknown,
  args: readonly string[],
  operands: readonly string[],
): Promise<string> {
  const word = failure instanceof UsageError ? unreadWord(failure, args) : operands[0];
  if (word === undefined || (await isPath(word))) return '';
  if (FIRST_WORDS.includes(word)) return `; ${comesFirst(word)}${word in OPTION_COMMANDS ? '' : ' …'}`;
  const name = similarCommand([word]);
  return name === undefined ? '' : `; did you mean the command ${name}?`;
}

/** Options of a command are unknown on a line without it: the first word is mistyped, or the command comes later. */
function unreadWord({ message }: UsageError, args: readonly string[]): string | undefined {
  const [first = ''] = args;
  if (!message.startsWith('unknown option') || message.endsWith('?')) return undefined;
  return first.startsWith('-') ? args.find((arg) => FIRST_WORDS.includes(arg)) : first;
}

function comesFirst(command: string): string {
  return `the command comes first: dimgx ${command}`;
}

function noCommand(words: readonly string[]): DimgxError {
  const [first = ''] = words;
  const name = similarCommand(words);
  const typed = wordsOf(first).length > 0 || name?.includes(' ') ? words.slice(0, 2).join(' ') : first;
  return usageError(`there is no command "${typed}"${name === undefined ? '' : `; did you mean "${name}"?`}`);
}

/** The command that resembles the words at the beginning of a line; `undefined` if there is none, or it is the same. */
function similarCommand([first = '', second = '']: readonly string[]): string | undefined {
  if (/[/:.]/.test(first)) return undefined;
  const word = nearest(first, FIRST_WORDS);
  if (word === undefined) return undefined;
  const next = nearest(second, wordsOf(word));
  if (next !== undefined) return `${word} ${next}`;
  return word === first ? undefined : word;
}

async function isPath(word: string): Promise<boolean> {
  return access(word).then(
    () => true,
    () => false,
  );
}
