import type { CommandHelp } from '../commands/command-help.js';
import type { OptionRow } from '../options/option-row.js';
import { optionsIn } from '../options/option-table.js';

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

/** Puts a word in single quotes, for any POSIX shell. */
export function quotedWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
