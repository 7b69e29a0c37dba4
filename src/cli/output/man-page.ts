import { allHelp, type CommandHelp, IMAGE_FORMS, OWN_OPTIONS } from '../commands/command-help.js';
import type { OptionRow } from '../options/option-row.js';
import type { OptionGroup } from '../options/option-table.js';

/** The manual page `dimgx.1`, written with the macros of man(7). Made when the package is built. */
export async function manPage(version: string): Promise<string> {
  const [main, ...commands] = (await allHelp()) as [CommandHelp, ...CommandHelp[]];
  return [
    `.TH DIMGX 1 "" "dimgx ${version}" "User Commands"`,
    '.SH NAME',
    'dimgx \\- turn a container image into one flat root filesystem',
    '.SH SYNOPSIS',
    ...[main, ...commands].flatMap(({ name, usage }) => [
      `.B ${`dimgx ${name}`.trim()}`,
      ...(usage === '' ? [] : [roff(usage)]),
      '.br',
    ]),
    '.SH DESCRIPTION',
    roff(main.describe),
    '.PP',
    roff(IMAGE_FORMS.replaceAll('\n', ' ')),
    '.SH OPTIONS',
    ...main.groups.flatMap(groupOf),
    '.SH COMMANDS',
    ...commands.flatMap(commandOf),
    '.SH EXIT STATUS',
    ...EXIT_STATUS.flatMap(([status, meaning]) => ['.TP', `.B ${status}`, roff(meaning)]),
    '.SH EXAMPLES',
    ...examplesOf(main),
    '',
  ].join('\n');
}

const EXIT_STATUS = [
  ['0', 'Success.'],
  ['1', 'The command line cannot be understood.'],
  ['2', 'The work failed. Nothing new is left where the target was to be.'],
  ['3', 'With --strict, a SPEC selects no layer.'],
  ['129, 130, 143', 'Ended by SIGHUP, SIGINT or SIGTERM.'],
  ['141', 'The reader of the output went away.'],
] as const;

function groupOf([heading, options]: OptionGroup): readonly string[] {
  return [`.SS ${roff(heading.replace(/:$/, ''))}`, ...rowsOf(options)];
}

function rowsOf(options: OptionGroup[1]): readonly string[] {
  return Object.entries<OptionRow>(options).flatMap(([name, row]) => optionLines(name, row));
}

function optionLines(name: string, row: OptionRow): readonly string[] {
  return ['.TP', spelled(name, row), roff(`${capital(row.describe)}.`)];
}

function spelled(name: string, { alias, metavar = '' }: OptionRow): string {
  const long = `\\fB\\-\\-${roff(name)}\\fR${roff(metavar)}`;
  return alias === undefined ? long : `\\fB\\-${alias}\\fR, ${long}`;
}

function commandOf(help: CommandHelp): readonly string[] {
  const options = help.groups.filter(([heading]) => heading === OWN_OPTIONS).flatMap(([, own]) => rowsOf(own));
  const title = `.SS dimgx ${help.name} ${roff(help.usage)}`.trim();
  return [title, roff(help.describe), '.RS', ...options, '.RE', ...examplesOf(help)];
}

function examplesOf({ examples }: CommandHelp): readonly string[] {
  return examples.flatMap(([line, does]) => [
    '.PP',
    `${roff(`${capital(does)}:`)}`,
    '.PP',
    '.RS 4',
    '.nf',
    roff(line),
    '.fi',
    '.RE',
  ]);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Escapes text so that troff prints it unchanged. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^(?=[.'])/gm, '\\&');
}
