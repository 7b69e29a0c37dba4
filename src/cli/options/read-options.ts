import parse from 'yargs-parser';
import type { Argv } from './argv.js';
import type { Given, LibraryField, LibraryOptions, OptionRow, OptionTable } from './option-row.js';

/** The texts that a command line gives for its options, by name. */
export type GivenTexts = Readonly<Record<string, unknown>>;

/** What a command line gives for the options in a table. */
export interface ReadOptions<T extends OptionTable> {
  readonly given: Given<T>;
  /** What the options mean to the library. An option that was not given is absent, so that the default applies. */
  readonly library: LibraryOptions<T>;
}

/**
 * Uses the parser of yargs alone: loading all of yargs would double the start-up time, and only `--help` needs it. The
 * parser sees one spelling of each option, always with `=` before a value.
 */
export function parseArgv({ options }: Argv, table: OptionTable): GivenTexts {
  const rows = Object.entries<OptionRow>(table);
  const ofType = (type: OptionRow['type']) => rows.flatMap(([name, row]) => (row.type === type ? name : []));
  const strings = ofType('string');
  return parse([...options], {
    boolean: ofType('boolean'),
    count: ofType('count'),
    string: strings,
    // When `narg` is set, the parser does not strip quotes around a value.
    narg: Object.fromEntries(strings.map((name) => [name, 1])),
    configuration: {
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
    },
  });
}

/**
 * Reads the values of the options in a table.
 *
 * @throws DIMGX_USAGE
 */
export function readOptions<T extends OptionTable>(texts: GivenTexts, table: T): ReadOptions<T> {
  const given: Record<string, unknown> = {};
  const library: Record<string, unknown> = {};
  for (const [name, row] of Object.entries<OptionRow>(table)) {
    const text = texts[name];
    if (text === undefined) continue;
    given[name] = readValue(name, row, text);
    if (row.field !== undefined) setField(library, row.field, row.type === 'boolean' ? row.means : given[name]);
  }
  // The types of the rows promise that each value has the type of its option and of its field.
  return { given, library } as unknown as ReadOptions<T>;
}

function readValue(name: string, { type, repeatable, read }: OptionRow, text: unknown): unknown {
  if (type !== 'string') return text;
  if (repeatable) return [text].flat();
  return read ? read(`--${name}`, String(text)) : text;
}

/** Sets `limits.maxSize` in `limits`. */
function setField(library: Record<string, unknown>, field: LibraryField, value: unknown): void {
  const [option = '', member] = field.split('.');
  library[option] = member === undefined ? value : { ...(library[option] as object | undefined), [member]: value };
}
