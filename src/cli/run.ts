import { type ExitCode, printable } from '../index.js';
import { optionsOf } from './commands/command.js';
import { type FoundCommand, findCommand } from './commands/command-table.js';
import { asOptions, commandHint, incompleteCommand, misplacedCommand } from './commands/meant-command.js';
import { MESSAGE_OPTIONS, type Messages, messageSettings, openMessages, PLAIN_MESSAGES } from './messages/messages.js';
import { reportFailure } from './messages/report-failure.js';
import { normaliseArgv } from './options/argv.js';
import { HELP_OPTION } from './options/option-table.js';
import { versionText, writeOut } from './output/print.js';
import { withSignals } from './with-signals.js';

/**
 * Does what the arguments ask for, and reports failures on standard error.
 *
 * @param args arguments without the program's own name
 * @returns exit code of the process
 */
export async function run(args: readonly string[]): Promise<ExitCode | 0> {
  // The reader of the messages may go away; that must not end the run.
  process.stderr.on('error', () => {});
  let messages = PLAIN_MESSAGES;
  let name = '';
  let operands: readonly string[] = [];
  // Node would print its own warnings, such as those about experimental features. Log them at debug instead.
  process.removeAllListeners('warning');
  process.on('warning', ({ message }) => messages.log.write('debug', printable(message, 300)));
  try {
    const found = findCommand(asOptions(args));
    name = found.name;
    await dispatch(found, (opened, read) => {
      messages = opened;
      operands = read;
    });
    messages.log.close();
    return 0;
  } catch (failure) {
    messages.log.close();
    const hint = name === '' ? await commandHint(failure, args, operands) : '';
    return reportFailure(failure, messages.log, `dimgx ${name === '' ? '' : `${name} `}--help`, hint);
  }
}

/** @param onOpen receives the messages as soon as the command line has said how they are to be written */
async function dispatch(
  { name, row, args }: FoundCommand,
  onOpen: (messages: Messages, operands: readonly string[]) => void,
): Promise<void> {
  const command = await row?.load();
  const table = command ? optionsOf(command) : HELP_OPTION;
  const argv = normaliseArgv(args, table);
  if (argv.options.includes('--help')) {
    const { groupHelp, helpText } = await import('./commands/command-help.js');
    await writeOut(command ? await helpText(name, command, process.stdout.columns || undefined) : groupHelp(name));
  } else if (argv.options.includes('--version')) {
    await writeOut(versionText());
  } else if (!command) {
    throw incompleteCommand(name, argv.operands);
  } else {
    const { parseArgv, readOptions } = await import('./options/read-options.js');
    const { runCommand } = await import('./commands/run-command.js');
    const options = parseArgv(argv, table);
    const messages = await openMessages(messageSettings(readOptions(options, MESSAGE_OPTIONS).given));
    onOpen(messages, argv.operands);
    const misplaced = name === '' && argv.operands.length > 1 ? await misplacedCommand(argv.operands) : undefined;
    if (misplaced) throw misplaced;
    await withSignals((signal) => runCommand({ name, command, options, operands: argv.operands }, messages, signal));
  }
}
