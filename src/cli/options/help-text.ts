import yargs from 'yargs';
import type { Command } from '../commands/command.js';
import { type CommandHelp, helpOf, IMAGE_FORMS, MAIN_HELP } from '../commands/command-help.js';
import { commandRows } from '../commands/command-table.js';
import type { OptionRow } from './option-table.js';

const EPILOGUE = `${IMAGE_FORMS}

Commands (dimgx COMMAND --help describes each; if an image has such a name, write ./NAME or
docker-daemon:NAME):
${commandList().join('\n')}
  dimgx help [COMMAND] and dimgx version are the same as --help and --version.

Long options may be shortened as long as they are unambiguous.
Exit status: 0 success; 1 bad usage; 2 failure; 3 with --strict, a SPEC that selects no layer.`;

/**
 * What `--help` prints, with its line end.
 *
 * @param columns width of the terminal, in characters
 */
export async function helpText(columns?: number): Promise<string> {
  return `${await page(MAIN_HELP, columns).epilogue(EPILOGUE).getHelp()}\n`;
}

/** What `--help` prints for a subcommand. */
export async function commandHelp(name: string, command: Command, columns?: number): Promise<string> {
  return `${await page(helpOf(name, '', command), columns).getHelp()}\n`;
}

/** What `--help` prints for a group of commands: the commands in it. */
export function groupHelp(name: string): string {
  const lines = commandList().filter((line) => line.startsWith(`  dimgx ${name} `));
  return `Usage: dimgx ${name} COMMAND\n\n${lines.join('\n')}\n`;
}

function page({ name, usage, describe, options, examples }: CommandHelp, columns = 100) {
  const words = ['dimgx', name, usage].filter((part) => part !== '').join(' ');
  const help = yargs([], '/') // yargs would look at the working directory, which may have been deleted
    .scriptName('dimgx')
    .locale('en')
    .help(false)
    .version(false)
    .usage(`Usage: ${words}\n\n${describe}`)
    .options(Object.fromEntries(Object.entries(options).map(describeOption)))
    .wrap(Math.min(120, columns));
  for (const [line, does] of examples) help.example(line, does);
  return help;
}

function commandList(): readonly string[] {
  const rows = commandRows();
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, { summary }]) => `  dimgx ${name.padEnd(width)}  ${summary}`);
}

/** For display only. yargs has no place for the name of a value, so it is appended to the name of the option. */
function describeOption([name, { alias, describe = '', group = '', metavar = '' }]: [string, OptionRow]) {
  return [`${name}${metavar}`, { ...(alias && { alias }), describe, group }] as const;
}
