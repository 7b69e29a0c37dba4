import type { OptionRow } from '../options/option-row.js';
import { HELP_OPTION, MESSAGE_GROUP, type OptionGroup } from '../options/option-table.js';
import { type Command, type Example, type Operands, ownOptions, usageOf } from './command.js';
import { commandRows, DEFAULT_COMMAND } from './command-table.js';

/** Everything that the help, completion and the manual say about a command. */
export interface CommandHelp {
  /** `cache ls`; empty for `dimgx` without a command. */
  readonly name: string;
  /** What follows the name on the command line. */
  readonly usage: string;
  /** What the command does, in one line. */
  readonly summary: string;
  /** What the command does, in full. */
  readonly describe: string;
  /** All options, under their headings. */
  readonly groups: readonly OptionGroup[];
  readonly examples: readonly Example[];
  /** Absent: the command takes none. */
  readonly operands?: Operands;
}

/** The heading of the options that only one command has. */
export const OWN_OPTIONS = 'Options:';

/** How an image can be named. */
export const IMAGE_FORMS = `IMAGE is a path, "-" for an archive on standard input, or one of
docker-archive:PATH[:NAME], oci:DIR[:TAG], oci-archive:FILE[:TAG], dir:DIR,
docker-daemon:NAME, docker://NAME (in a registry),
docker-root:DIR[:NAME], containerd-root:DIR[:NAME], containers-storage:NAME
(in an engine's storage), or host-root:DIR[:NAME] (in those of a whole disk).`;

/** Help for `dimgx` itself, then for every command in the order of the table. */
export async function allHelp(): Promise<readonly CommandHelp[]> {
  const rows = [['', DEFAULT_COMMAND] as const, ...commandRows()];
  return Promise.all(rows.map(async ([name, { summary, load }]) => helpOf(name, summary, await load())));
}

function helpOf(name: string, summary: string, command: Command): CommandHelp {
  const { describe, examples, operands } = command;
  const groups = command.groups ?? subcommandGroups(command);
  return { name, usage: usageOf(command), summary, describe, groups, examples, ...(operands && { operands }) };
}

function subcommandGroups(command: Command): readonly OptionGroup[] {
  const { shared = [] } = command;
  const elsewhere = new Set(shared.flatMap(([, options]) => Object.keys(options)));
  const own = Object.entries(ownOptions(command)).filter(([name]) => !elsewhere.has(name));
  return [[OWN_OPTIONS, Object.fromEntries(own)], ...shared, MESSAGE_GROUP, ['Other:', HELP_OPTION]];
}

/**
 * What `--help` prints, with its line end.
 *
 * @param name of the command; empty for `dimgx` itself
 * @param columns width of the terminal, in characters
 */
export async function helpText(name: string, command: Command, columns = 100): Promise<string> {
  const { default: yargs } = await import('yargs');
  const { usage, describe, groups, examples } = helpOf(name, '', command);
  const words = ['dimgx', name, usage].filter((part) => part !== '').join(' ');
  const help = yargs([], '/') // yargs would look at the working directory, which may have been deleted
    .scriptName('dimgx')
    .locale('en')
    .help(false)
    .version(false)
    .usage(`Usage: ${words}\n\n${describe}`)
    .wrap(Math.min(120, columns));
  for (const [group, options] of groups) {
    for (const [option, row] of Object.entries<OptionRow>(options)) help.option(...describeOption(group, option, row));
  }
  const parts = [await help.getHelp(), examplesText(examples, columns), ...(name === '' ? [epilogue()] : [])];
  return `${parts.join('\n\n')}\n`;
}

/** The descriptions are in a column if there is room for it; else each is below its line, which is never broken. */
function examplesText(examples: readonly Example[], columns: number): string {
  const width = Math.max(...examples.map(([line]) => line.length));
  const fits = examples.every(([, does]) => width + does.length + 4 <= columns);
  const lines = examples.map(([line, does]) =>
    fits ? `  ${line.padEnd(width)}  ${does}` : `  ${line}\n      ${does}`,
  );
  return `Examples:\n${lines.join('\n')}`;
}

/** What `--help` prints for a group of commands: the commands in it. */
export function groupHelp(name: string): string {
  const lines = commandList().filter((line) => line.startsWith(`  dimgx ${name} `));
  return `Usage: dimgx ${name} COMMAND\n\n${lines.join('\n')}\n`;
}

function epilogue(): string {
  return `${IMAGE_FORMS}

Commands (dimgx COMMAND --help describes each; if an image has such a name,
write ./NAME or docker-daemon:NAME):
${commandList().join('\n')}
  dimgx help [COMMAND] and dimgx version are the same as --help and --version.

Long options may be shortened as long as they are unambiguous.
Exit status: 0 success; 1 bad usage; 2 failure; 3 with --strict, a SPEC that
selects no layer; 129, 130 or 143 ended by SIGHUP, SIGINT (Ctrl-C) or SIGTERM;
141 the reader of the output went away.`;
}

function commandList(): readonly string[] {
  const rows = commandRows();
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, { summary }]) => `  dimgx ${name.padEnd(width)}  ${summary}`);
}

/** For display only. yargs has no place for the name of a value, so it is appended to the name of the option. */
function describeOption(group: string, name: string, { alias, describe, metavar = '' }: OptionRow) {
  return [`${name}${metavar}`, { ...(alias && { alias }), describe, group }] as const;
}
