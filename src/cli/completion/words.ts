import type { CommandHelp } from '../commands/command-help.js';
import type { OptionRow } from '../options/option-row.js';
import { OPTION_COMMANDS, optionsIn } from '../options/option-table.js';

/** What a shell needs to know to complete an option. */
export interface OptionWords {
  /** `--target`, and `-t` if the option has a short form. */
  readonly spellings: readonly string[];
  readonly describe: string;
  /** `none`: the option takes no value. `any`: the value cannot be guessed. */
  readonly value: 'none' | 'any' | 'file' | 'directory' | readonly string[];
  /** The value is optional, and is given only after `=`. */
  readonly isOptional: boolean;
}

export function optionWords({ groups }: CommandHelp): readonly OptionWords[] {
  return optionsIn(groups).map(([name, row]) => ({
    spellings: [`--${name}`, ...(row.alias ? [`-${row.alias}`] : [])],
    describe: row.describe,
    value: valueWords(row),
    isOptional: row.bare !== undefined,
  }));
}

function valueWords({ type, choices, names }: OptionRow): OptionWords['value'] {
  if (type !== 'string') return 'none';
  return choices ?? names ?? 'any';
}

/** A word that can come next on a command line. */
export interface CommandWord {
  readonly word: string;
  readonly summary: string;
}

/** A first word of commands. */
export interface FirstWord extends CommandWord {
  /** The second words, if it is a group. */
  readonly seconds: readonly CommandWord[];
}

/** The first words of all commands, but for `help` and `version`. */
export function firstWords(helps: readonly CommandHelp[]): readonly FirstWord[] {
  const words = new Map<string, FirstWord>();
  for (const { name, summary } of helps) {
    const [word = '', second] = name.split(' ');
    if (word === '') continue;
    const seconds = second === undefined ? [] : [...(words.get(word)?.seconds ?? []), { word: second, summary }];
    words.set(word, { word, summary: second === undefined ? summary : `${word} commands`, seconds });
  }
  return [...words.values()];
}

/** `help` and `version`. */
export const OPTION_WORDS: readonly CommandWord[] = Object.entries(OPTION_COMMANDS).map(([word, summary]) => {
  return { word, summary };
});

/** The words alone, with spaces between them. */
export function joined(words: readonly CommandWord[]): string {
  return words.map(({ word }) => word).join(' ');
}

/** Puts a word in single quotes, for any POSIX shell. */
export function quotedWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
