import { MESSAGE_OPTIONS } from '../messages/message-settings.js';
import { OPTION_TABLE } from '../options/option-table.js';
import type { OptionTable } from '../options/read-options.js';
import type { Command, Example } from './command.js';
import { commandRows } from './command-table.js';

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
  /** All options, each with its group. */
  readonly options: OptionTable;
  readonly examples: readonly Example[];
}

/** Help for listing and flattening. */
export const MAIN_HELP: CommandHelp = {
  name: '',
  usage: '[options] [-l SPEC]... [-t PATH] IMAGE',
  summary: 'flatten an image, or list its layers',
  describe: 'Turns a container image into one flat root filesystem. Without a target, lists the layers of the image.',
  options: OPTION_TABLE,
  examples: [
    ['dimgx image.tar', 'list the layers'],
    ['dimgx -t rootfs.tar.gz oci:layout:3.20', 'flatten into a compressed tar'],
    ['docker save alpine | dimgx -t - - | tar x', 'flatten through pipes'],
    ['dimgx -l @1:@3 -t base.tar image.tar', 'flatten only the three oldest layers'],
  ],
};

/** How an image can be named. */
export const IMAGE_FORMS = `IMAGE is a path, "-" for an archive on standard input, or one of
docker-archive:PATH[:NAME], oci:DIR[:TAG], oci-archive:FILE[:TAG], dir:DIR, docker-daemon:NAME,
docker://NAME (in a registry).`;

export function helpOf(name: string, summary: string, command: Command): CommandHelp {
  const { usage, describe, examples, options } = command;
  const own = Object.entries(options).map(([option, row]) => [option, { group: 'Options:', ...row }] as const);
  const table = { ...Object.fromEntries(own), ...MESSAGE_OPTIONS, help: OPTION_TABLE.help };
  return { name, usage, summary, describe, examples, options: table };
}

/** Help for `dimgx` itself, then for every command in the order of the table. */
export async function allHelp(): Promise<readonly CommandHelp[]> {
  const own = commandRows().map(async ([name, row]) => helpOf(name, row.summary, (await row.load()).command));
  return [MAIN_HELP, ...(await Promise.all(own))];
}
