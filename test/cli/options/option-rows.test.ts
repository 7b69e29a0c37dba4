import { describe, expect, test } from 'vitest';
import { type Command, optionsOf } from '#dimgx/cli/commands/command.js';
import { commandRows, DEFAULT_COMMAND } from '#dimgx/cli/commands/command-table.js';
import { runCommand } from '#dimgx/cli/commands/run-command.js';
import { PLAIN_MESSAGES } from '#dimgx/cli/messages/messages.js';
import { normaliseArgv } from '#dimgx/cli/options/argv.js';
import type { FieldIn, LibraryField, OptionRow, OptionTable } from '#dimgx/cli/options/option-row.js';
import type { OPTION_TABLE } from '#dimgx/cli/options/option-table.js';
import { parseArgv } from '#dimgx/cli/options/read-options.js';

/** A value that is right for an option. */
const VALUES: Readonly<Record<string, readonly [text: string, value: unknown]>> = {
  creds: ['me:pass:word', { username: 'me', password: 'pass:word' }],
  platform: ['linux/arm64', 'linux/arm64'],
  'compress-level': ['7', 7],
  jobs: ['7', 7],
  retry: ['7', 7],
  threads: ['7', 7],
  'max-size': ['7k', 7168],
  'max-entries': ['7', 7],
};

/** The options that a command hands to its library call, when its line is this. */
async function libraryOptions(command: Command, args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  let seen: object = {};
  const watched: Command = {
    ...command,
    operands: { name: 'X', count: 'one', wanted: 'wants one' },
    async run({ library }) {
      seen = library;
      return { text: () => '' };
    },
  };
  const table = optionsOf(command);
  const options = parseArgv(normaliseArgv(args, table), table);
  await runCommand(
    { name: 'x', command: watched, options, operands: ['image'] },
    PLAIN_MESSAGES,
    new AbortController().signal,
  );
  return { ...seen };
}

function lineOf(name: string, row: OptionRow): readonly [args: readonly string[], value: unknown] {
  if (row.type === 'boolean') return [[`--${name}`], row.means];
  const [text, value] = VALUES[name] ?? [row.choices?.[0] ?? 'text', row.choices?.[0] ?? 'text'];
  return row.repeatable
    ? [[`--${name}=${text}`, `--${name}=2`], [value, '2'].map((each) => (row.rule ? `${row.rule.sign}${each}` : each))]
    : [[`--${name}=${text}`], value];
}

const commands = await Promise.all(
  [['', DEFAULT_COMMAND] as const, ...commandRows()].map(async ([name, row]) => [name, await row.load()] as const),
);

describe('every option that sets an option of the library reaches it', () => {
  test.each(commands)('of dimgx %s', async (_, command) => {
    const bare = await libraryOptions(command, []);
    expect(Object.keys(bare)).toEqual(['signal', 'onWarning', 'onInfo']);
    for (const [name, row] of Object.entries<OptionRow>(optionsOf(command))) {
      if (row.field === undefined) continue;
      const [args, value] = lineOf(name, row);
      const { signal, onWarning, onInfo, ...library } = await libraryOptions(command, args);
      const [option = '', member] = row.field.split('.');
      expect(library, name).toEqual({ [option]: member === undefined ? value : { [member]: value } });
    }
  });
});

type Accepts<R extends object> = { readonly option: R & { describe: string } } extends OptionTable ? true : false;

test('a row that does not fit the library does not compile', () => {
  const right: Accepts<{ type: 'boolean'; field: 'offline'; means: true }> = true;
  const without: Accepts<{ type: 'boolean' }> = true;
  const wrong: readonly [
    Accepts<{ type: 'boolean'; field: 'noSuchOption'; means: true }>,
    Accepts<{ type: 'boolean'; field: 'offline'; means: 'yes' }>,
    Accepts<{ type: 'boolean'; field: 'offline' }>,
    Accepts<{ type: 'string'; field: 'retry' }>,
    Accepts<{ type: 'string'; field: 'retry'; read: () => string }>,
    Accepts<{ type: 'string'; field: 'mirrors' }>,
    Accepts<{ type: 'string'; field: 'host'; repeatable: true }>,
  ] = [false, false, false, false, false, false, false];
  expect([right, without, ...wrong]).toEqual([true, true, ...wrong.map(() => false)]);
});

test('the command line can set every option of the library, but for these', () => {
  // The compiler names an option that is missing here or in the table, or that is in both.
  const unset: Readonly<Record<Exclude<LibraryField, FieldIn<typeof OPTION_TABLE>>, string>> = {
    pool: 'a command line is one call, which has a pool of its own',
    caseNumber: 'only a snapshot has examiners',
    evidenceNumber: 'only a snapshot has examiners',
    description: 'only a snapshot has examiners',
    examiner: 'only a snapshot has examiners',
    notes: 'only a snapshot has examiners',
  };
  expect(Object.keys(unset)).toHaveLength(6);
});
