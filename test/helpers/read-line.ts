import { optionsOf } from '#dimgx/cli/commands/command.js';
import { type FoundCommand, findCommand } from '#dimgx/cli/commands/command-table.js';
import { type LineContent, readLine } from '#dimgx/cli/commands/run-command.js';
import { MESSAGE_OPTIONS, type MessageSettings, messageSettings } from '#dimgx/cli/messages/messages.js';
import { normaliseArgv } from '#dimgx/cli/options/argv.js';
import { parseArgv, readOptions } from '#dimgx/cli/options/read-options.js';

/** What a command line says, as `run` reads it before it does anything. */
export interface ReadLine extends LineContent {
  readonly messages: MessageSettings;
}

/**
 * Reads a command line, and does nothing.
 *
 * @returns `undefined` if it asks for help or the version
 * @throws what is wrong with it
 */
export async function readCommandLine(args: readonly string[]): Promise<ReadLine | undefined> {
  return (await commandLineReader(findCommand(args)))();
}

/** Loads a command, so that its line can be read again and again without waiting. */
export async function commandLineReader({ name, row, args: rest }: FoundCommand) {
  const command = await row?.load();
  if (!command) throw new Error(`${name} is a group of commands`);
  const table = optionsOf(command);
  return (args: readonly string[] = rest): ReadLine | undefined => {
    const argv = normaliseArgv(args, table);
    if (argv.options.some((option) => option === '--help' || option === '--version')) return undefined;
    const options = parseArgv(argv, table);
    const messages = messageSettings(readOptions(options, MESSAGE_OPTIONS).given);
    return { ...readLine({ name, command, options, operands: argv.operands }), messages };
  };
}
