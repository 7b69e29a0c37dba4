import { MESSAGE_OPTIONS, messageSettings } from '../messages/message-settings.js';
import { normaliseArgv } from '../options/argv.js';
import { OPTION_TABLE } from '../options/option-table.js';
import { readOptions } from '../options/read-options.js';
import { usageError } from '../options/usage-error.js';
import { writeOut } from '../output/write-out.js';
import { commandNames, type FoundCommand, noCommand } from './find-command.js';
import type { Job } from './job.js';

const { help } = OPTION_TABLE;

/**
 * Reads the command line of a subcommand. `--help` is answered at once.
 *
 * @throws DIMGX_CLI_USAGE
 */
export async function prepareCommand({ name, row, args }: FoundCommand): Promise<Job | undefined> {
  if (row === undefined) return prepareGroup(name, args);
  const { command } = await row.load();
  const table = { ...command.options, ...MESSAGE_OPTIONS, help };
  const argv = normaliseArgv(args, table);
  if (argv.options.includes('--help')) {
    const { commandHelp } = await import('../options/help-text.js');
    await writeOut(await commandHelp(name, command, process.stdout.columns || undefined));
    return undefined;
  }
  const given = readOptions(argv, table);
  return {
    settings: messageSettings(given),
    work: (messages, signal) =>
      command
        .run(given, argv.operands, {
          ...messages,
          env: process.env,
          signal,
          helps: async () => (await import('./command-help.js')).allHelp(),
          print: (text) => writeOut(text, process.stdout, signal),
        })
        .finally(() => messages.bar?.clear()),
  };
}

async function prepareGroup(name: string, args: readonly string[]): Promise<undefined> {
  const argv = normaliseArgv(args, { help });
  const [word] = argv.operands;
  if (!argv.options.includes('--help')) {
    throw word === undefined
      ? usageError(`${name} needs another word, such as ${example(name)}`)
      : noCommand(`${name} ${word}`);
  }
  const { groupHelp } = await import('../options/help-text.js');
  await writeOut(groupHelp(name));
}

function example(group: string): string {
  return `"${commandNames().find((name) => name.startsWith(`${group} `))}"`;
}
