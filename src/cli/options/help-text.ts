import yargs from 'yargs';
import type { Command } from '../commands/command.js';
import { COMMAND_TABLE, isRow } from '../commands/command-table.js';
import { MESSAGE_OPTIONS } from '../messages/message-settings.js';
import { OPTION_TABLE, type OptionRow } from './option-table.js';
import type { OptionTable } from './read-options.js';

const EPILOGUE = `IMAGE is a path, "-" for an archive on standard input, or one of
docker-archive:PATH[:NAME], oci:DIR[:TAG], oci-archive:FILE[:TAG], dir:DIR, docker-daemon:NAME,
docker://NAME (in a registry).

Commands, each with its own --help; an image of such a name is ./NAME or docker-daemon:NAME:
${commandList().join('\n')}
  dimgx help [COMMAND] and dimgx version are the options --help and --version.

Long options may be shortened as long as they stay unambiguous.
Exit status: 0 done; 1 bad usage; 2 failed; 3 a SPEC that names no layer, with --strict.`;

/**
 * What `--help` prints, with its line end.
 *
 * @param columns of the terminal, in characters
 */
export async function helpText(columns?: number): Promise<string> {
  const usage =
    'Usage: dimgx [options] [-l SPEC]... [-t PATH] IMAGE\n\nTurns a container image into one flat root filesystem.';
  const help = await page(usage, OPTION_TABLE, columns)
    .example('dimgx image.tar', 'list the layers')
    .example('dimgx -t rootfs.tar.gz oci:layout:3.20', 'flatten into a compressed tar')
    .example('docker save alpine | dimgx -t - - | tar x', 'through pipes')
    .example('dimgx -l @1:@3 -t base.tar image.tar', 'only the three oldest layers')
    .epilogue(EPILOGUE)
    .getHelp();
  return `${help}\n`;
}

/** What `--help` prints for a subcommand. */
export async function commandHelp(name: string, command: Command, columns?: number): Promise<string> {
  const { usage, describe, options } = command;
  const own = Object.entries(options).map(([option, row]) => [option, { group: 'Options:', ...row }] as const);
  const table = { ...Object.fromEntries(own), ...MESSAGE_OPTIONS, help: OPTION_TABLE.help };
  return `${await page(`Usage: dimgx ${name} ${usage}\n\n${describe}`, table, columns).getHelp()}\n`;
}

/** What `--help` prints for a word that wants another: its commands. */
export function groupHelp(name: string): string {
  const lines = commandList().filter((line) => line.startsWith(`  dimgx ${name} `));
  return `Usage: dimgx ${name} COMMAND\n\n${lines.join('\n')}\n`;
}

function page(usage: string, table: OptionTable, columns = 100) {
  return yargs([], '/') // the working directory, which it would look at, may have been deleted
    .scriptName('dimgx')
    .locale('en')
    .help(false)
    .version(false)
    .usage(usage)
    .options(Object.fromEntries(Object.entries(table).map(describeOption)))
    .wrap(Math.min(120, columns));
}

function commandList(): readonly string[] {
  const rows = Object.entries(COMMAND_TABLE).flatMap(([word, entry]) =>
    isRow(entry)
      ? [[word, entry.summary] as const]
      : Object.entries(entry).map(([second, { summary }]) => [`${word} ${second}`, summary] as const),
  );
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, summary]) => `  dimgx ${name.padEnd(width)}  ${summary}`);
}

/** For show only: yargs has no place for the name of a value but the name of the option. */
function describeOption([name, { alias, describe = '', group = '', metavar = '' }]: [string, OptionRow]) {
  return [`${name}${metavar}`, { ...(alias && { alias }), describe, group }] as const;
}
