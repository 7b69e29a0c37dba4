import parse from 'yargs-parser';
import type { Argv } from './argv.js';
import type { OptionRow } from './option-table.js';

export type OptionTable = Readonly<Record<string, OptionRow>>;

interface Values {
  readonly boolean: boolean;
  readonly count: number;
  readonly string: string;
}

/** The values given for the options in a table. */
export type Given<T extends OptionTable> = {
  readonly [K in keyof T]?: T[K] extends { readonly type: 'string'; readonly repeatable: true }
    ? string | readonly string[]
    : Values[T[K]['type']];
};

/**
 * Uses the parser of yargs alone: loading all of yargs would double the start-up time, and only `--help` needs it. The
 * parser sees one spelling of each option, always with `=` before a value.
 */
export function readOptions<T extends OptionTable>({ options }: Argv, table: T): Given<T> {
  const ofType = (type: keyof Values) => entries.flatMap(([name, row]) => (row.type === type ? name : []));
  const entries = Object.entries<OptionRow>(table);
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
  }) as unknown as Given<T>;
}
