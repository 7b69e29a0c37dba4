import parse from 'yargs-parser';
import type { Argv } from './argv.js';
import type { OptionRow } from './option-table.js';

export type OptionTable = Readonly<Record<string, OptionRow>>;

interface Values {
  readonly boolean: boolean;
  readonly count: number;
  readonly string: string;
}

/** What was given of the options in a table. */
export type Given<T extends OptionTable> = {
  readonly [K in keyof T]?: T[K] extends { readonly type: 'string'; readonly repeatable: true }
    ? string | readonly string[]
    : Values[T[K]['type']];
};

/**
 * The parser of yargs by itself: yargs as a whole would double the start-up, and only `--help` needs it. It sees one
 * spelling for each option, always with `=` before a value.
 */
export function readOptions<T extends OptionTable>({ options }: Argv, table: T): Given<T> {
  const ofType = (type: keyof Values) => entries.flatMap(([name, row]) => (row.type === type ? name : []));
  const entries = Object.entries<OptionRow>(table);
  const strings = ofType('string');
  return parse([...options], {
    boolean: ofType('boolean'),
    count: ofType('count'),
    string: strings,
    // With a number of values, the parser leaves quotes around a value alone.
    narg: Object.fromEntries(strings.map((name) => [name, 1])),
    configuration: {
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
    },
  }) as unknown as Given<T>;
}
