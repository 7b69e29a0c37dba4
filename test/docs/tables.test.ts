import { describe, expect, test } from 'vitest';
import { checkOptions } from '#dimgx/check-options.js';
import { type Command, ownOptions, usageOf } from '#dimgx/cli/commands/command.js';
import { commandRows } from '#dimgx/cli/commands/command-table.js';
import type { OptionRow } from '#dimgx/cli/options/option-row.js';
import { OPTION_TABLE } from '#dimgx/cli/options/option-table.js';
import { ERRORS, WARNINGS } from '#dimgx/errors.js';
import { publicTypes } from '../helpers/public-types.js';
import { MANUAL, Page } from './markdown.js';

const errors = new Page('docs/errors.md');
const cli = new Page('docs/cli.md');

describe('docs/errors.md', () => {
  test('lists every error with its exit code and meaning, and no other', () => {
    const rows = Object.entries(ERRORS).map(([code, { exit, meaning }]) => [`\`${code}\``, String(exit), meaning]);
    expect(errors.section('## Errors').rows).toEqual(rows);
  });

  test('lists every warning with its meaning, and no other', () => {
    const rows = Object.entries(WARNINGS).map(([code, { about, meaning }]) => [`\`${code}\``, about, meaning]);
    expect(errors.section('## Warnings').rows).toEqual(rows);
  });
});

test('every code that the manual names is in a table', () => {
  const isVariable = (name: string) =>
    /^DIMGX_(?:CACHE|CACHE_SIZE|ENGINE_STORAGE|NODES|(?:LAW|TEST)_[A-Z]+)$/.test(name);
  const named = MANUAL.flatMap(({ lines }) => lines.join('\n').match(/DIMGX_[A-Z_]*[A-Z]/g) ?? []);
  const unknown = named.filter((name) => !isVariable(name) && !(name in ERRORS) && !(name in WARNINGS));
  expect(unknown).toEqual([]);
});

/** How an option is written: `-t`, `--target=PATH`. */
function spelled([name, { alias, metavar = '' }]: readonly [string, OptionRow]): string {
  return [...(alias ? [`\`-${alias}\``] : []), `\`--${name}${metavar}\``].join(', ');
}

const commands = commandRows().map(([name, row]) => ({ name, row }));

/** Where the options are that commands share, by their headings in the help. */
const SHARED: Readonly<Record<string, string>> = {
  'Which layers, in what order:': '[layers](#which-layers-in-what-order)',
  'Where the image comes from:': '[sources](#where-the-image-comes-from)',
  'Checks and limits:': '[checks](#checks-and-limits)',
};

/** How a section tells of those that its command has. */
function sharedLine({ shared = [] }: Command): string | undefined {
  const links = shared.flatMap(([heading]) => SHARED[heading] ?? []);
  return links.length > 0 ? `- all options of ${links.join(', ').replace(/, ([^,]*)$/, ' and $1')}` : undefined;
}

describe('docs/cli.md', () => {
  test('lists every option as the help writes it, in its order, and no other', () => {
    const rows = cli.section('## Options').rows.filter(([option]) => option?.startsWith('`'));
    expect(rows.map(([option]) => option)).toEqual(Object.entries<OptionRow>(OPTION_TABLE).map(spelled));
    expect(rows.filter(([, meaning = '']) => !/^[A-Z[].*\.$/.test(meaning))).toEqual([]);
  });

  test('has a section for every command, with its usage and all of its options', async () => {
    for (const { name, row } of commands) {
      const command = await row.load();
      const options = ownOptions(command);
      const section = cli.section(`### \`dimgx ${`${name} ${usageOf(command)}`.trim()}\``);
      const spans = section.codeSpans.filter((code) => /^--?\w/.test(code));
      const shared = (command.shared ?? []).flatMap(([, table]) => Object.entries<OptionRow>(table));
      const line = sharedLine(command);
      expect(
        section.prose.filter((text) => text.startsWith('- all options of [layers]')),
        name,
      ).toEqual(line ? [line] : []);
      const told = [
        ...spans.filter((code) => code.startsWith('--')).map((code) => code.replace(/^--([\w-]+).*$/, '$1')),
        ...shared.map(([option]) => option),
      ];
      expect(told.sort(), name).toEqual(Object.keys(options).sort());
      const own = Object.entries<OptionRow>(options).filter(([option]) => shared.every(([other]) => other !== option));
      const letters = own.flatMap(([, { alias }]) => (alias ? [`-${alias}`] : []));
      expect(spans.filter((code) => !code.startsWith('--')).sort(), name).toEqual(letters.sort());
    }
  });

  test('has no section for a command that is none', () => {
    const sections = cli.section('## Commands').prose.filter((line) => line.startsWith('### '));
    expect(sections).toHaveLength(commands.length);
  });
});

/** The names of the members of an interface; none of another type. */
function membersOf(declaration: Readonly<Record<string, unknown>>): readonly string[] {
  const { body = [] } = (declaration.body ?? {}) as { body?: readonly { key: { name: string } }[] };
  return body.map(({ key }) => key.name);
}

describe('every option of the library', () => {
  const types = ['index', 'registry', 'cache'].flatMap((door) =>
    publicTypes(new URL(`../../dist/types/${door}.d.ts`, import.meta.url)),
  );
  const names = types
    .filter(({ name }) => name.endsWith('Options'))
    .flatMap(({ name, declaration }) =>
      membersOf(declaration).map((member) => (name === 'LimitOptions' ? `limits.${member}` : member)),
    )
    .filter((name) => name !== 'limits');
  const options = [...new Set(names)].sort();

  test('is in docs/library.md, and no other', () => {
    const rows = new Page('docs/library.md').section('## Options').rows;
    const told = rows.flatMap(([cell = '']) => /^`(.+?)`/.exec(cell)?.[1] ?? []);
    expect(told.sort()).toEqual(options);
  });

  // of the kinds of values, one is wrong for all options
  test.each(options.filter((name) => name !== 'pool'))('is checked: %s', (name) => {
    const [group, member] = name.split('.');
    const wrong =
      member === undefined ? { [name]: Symbol('wrong') } : { [group as string]: { [member]: Symbol('wrong') } };
    expect(() => checkOptions(wrong)).toThrow(expect.objectContaining({ code: 'DIMGX_OPTION_INVALID' }));
  });
});
