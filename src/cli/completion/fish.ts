import type { CommandHelp } from '../commands/command-help.js';
import { type CommandWord, type FirstWord, firstWords, OPTION_WORDS, optionWords, quotedWord } from './words.js';

/** A completion script for fish 3 and later. */
export function fishCompletion(helps: readonly CommandHelp[]): string {
  const firsts = firstWords(helps);
  const names = [...firsts, ...OPTION_WORDS].map(({ word }) => word);
  const lines = [
    ...[...firsts, ...OPTION_WORDS].map((word) => wordLine('__dimgx_begins', word)),
    ...OPTION_WORDS.map(({ word }) => noFiles(`__dimgx_is ${word}`)),
    ...firsts.map((word) => wordLine(next('help'), word)),
    ...firsts.flatMap(groupLines),
    ...helps.flatMap((help) => {
      const when = conditionOf(help.name, names);
      return [...operandLines(when, help), ...optionWords(help).map((option) => optionLine(when, option))];
    }),
  ];
  return `# dimgx completion fish
function __dimgx_words
  set -l words (commandline -opc)
  set -e words[1]
  string match -v -- '-*' $words
end
function __dimgx_is
  set -l words (__dimgx_words)
  set -l length (count $argv)
  test (count $words) -ge $length; and test "$words[1..$length]" = "$argv"
end
function __dimgx_begins
  test (count (__dimgx_words)) -eq 0
end
${lines.join('\n')}
`;
}

function conditionOf(name: string, firsts: readonly string[]): string {
  if (name !== '') return `__dimgx_is ${name}`;
  return `not contains -- (__dimgx_words)[1] ${firsts.join(' ')}`;
}

function groupLines({ word, seconds }: FirstWord): readonly string[] {
  if (seconds.length === 0) return [];
  return [
    noFiles(next(word)),
    ...[next(word), next(`help ${word}`)].flatMap((when) => seconds.map((second) => wordLine(when, second))),
  ];
}

function wordLine(when: string, { word, summary }: CommandWord): string {
  return `complete -c dimgx -n ${quotedWord(when)} -a ${word} -d ${fishWord(summary)}`;
}

function noFiles(when: string): string {
  return `complete -c dimgx -f -n ${quotedWord(when)}`;
}

/** The condition that the next word follows these. */
function next(words: string): string {
  return `__dimgx_is ${words}; and test (count (__dimgx_words)) -eq ${words.split(' ').length}`;
}

function operandLines(when: string, { operands }: CommandHelp): readonly string[] {
  if (operands?.names === 'file') return [];
  return [`${noFiles(when)}${operands?.choices ? ` -a ${fishWord(operands.choices.join(' '))}` : ''}`];
}

function optionLine(
  when: string,
  { spellings, describe, value, isOptional }: ReturnType<typeof optionWords>[number],
): string {
  const [long = '', short] = spellings;
  const parts = [`complete -c dimgx -n ${quotedWord(when)} -l ${long.slice(2)}`];
  if (short) parts.push(`-s ${short.slice(1)}`);
  // Each value has an empty description, or fish would show that of the option.
  if (typeof value !== 'string')
    parts.push(`${isOptional ? '-f' : '-x'} -a ${fishWord(value.map((word) => `${word}\\t`).join(' '))}`);
  else if (value === 'directory') parts.push("-x -a '(__fish_complete_directories)'");
  else if (value === 'file') parts.push('-r -F');
  else if (value === 'any') parts.push('-x');
  parts.push(`-d ${fishWord(describe)}`);
  return parts.join(' ');
}

/** Inside single quotes, fish takes a backslash as an escape only before a quote or another backslash. */
function fishWord(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
