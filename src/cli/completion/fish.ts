import type { CommandHelp } from '../commands/command-help.js';
import { optionWords, quotedWord } from './words.js';

/** A completion script for fish 3 and later. */
export function fishCompletion(helps: readonly CommandHelp[]): string {
  const commands = helps.filter(({ name }) => name !== '');
  const firsts = [...new Set(commands.map(({ name }) => name.split(' ')[0] as string))];
  const lines = helps.flatMap((help) => {
    const when = conditionOf(help.name, firsts);
    return [...commandLines(help), ...optionWords(help).map((option) => optionLine(when, option))];
  });
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

function commandLines({ name, summary }: CommandHelp): readonly string[] {
  if (name === '') return [];
  const [word = '', second] = name.split(' ');
  if (second === undefined) return [`complete -c dimgx -n __dimgx_begins -a ${word} -d ${fishWord(summary)}`];
  return [
    `complete -c dimgx -n __dimgx_begins -a ${word}`,
    `complete -c dimgx -f -n '__dimgx_is ${word}; and test (count (__dimgx_words)) -eq 1' -a ${second} -d ${fishWord(summary)}`,
  ];
}

function optionLine(
  when: string,
  { spellings, describe, value, isOptional }: ReturnType<typeof optionWords>[number],
): string {
  const [long = '', short] = spellings;
  const parts = [`complete -c dimgx -n ${quotedWord(when)} -l ${long.slice(2)}`];
  if (short) parts.push(`-s ${short.slice(1)}`);
  if (typeof value !== 'string') parts.push(`${isOptional ? '' : '-x '}-a ${fishWord(value.join(' '))}`);
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
