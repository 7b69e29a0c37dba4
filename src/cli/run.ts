import { printable } from '../base/text/printable.js';
import type { ExitCode } from '../errors.js';
import type { FlattenOptions } from '../flatten.js';
import type { Image } from '../image/image.js';
import { asOptions, commandHint, type FoundCommand, findCommand } from './commands/find-command.js';
import type { Job } from './commands/job.js';
import { type Messages, openMessages, PLAIN_MESSAGES } from './messages/messages.js';
import { reportFailure } from './messages/report-failure.js';
import { normaliseArgv } from './options/argv.js';
import { OPTION_TABLE } from './options/option-table.js';
import type { Invocation } from './options/options.js';
import { formatJson } from './output/format-json.js';
import { versionText } from './output/version-text.js';
import { writeOut } from './output/write-out.js';
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
  let command: FoundCommand | undefined;
  // Node would print its own warnings, such as those about experimental features. Log them at debug instead.
  process.removeAllListeners('warning');
  process.on('warning', ({ message }) => messages.log.write('debug', printable(message, 300)));
  try {
    const words = asOptions(args);
    command = findCommand(words);
    const job = command ? await prepareCommandOf(command) : await prepareFlattening(words);
    if (job) {
      messages = await openMessages(job.settings);
      await withSignals((signal) => job.work(messages, signal));
    }
    messages.log.close();
    return 0;
  } catch (failure) {
    messages.log.close();
    const hint = command ? '' : commandHint(args);
    return reportFailure(failure, messages.log, `dimgx ${command ? `${command.name} ` : ''}--help`, hint);
  }
}

async function prepareCommandOf(command: FoundCommand): Promise<Job | undefined> {
  const { prepareCommand } = await import('./commands/prepare-command.js');
  return prepareCommand(command);
}

/** What `dimgx` does without a command: list or flatten. */
async function prepareFlattening(args: readonly string[]): Promise<Job | undefined> {
  const argv = normaliseArgv(args, OPTION_TABLE);
  if (argv.options.includes('--help')) await printHelp();
  else if (argv.options.includes('--version')) await writeOut(await versionText());
  else {
    const { parseOptions } = await import('./options/options.js');
    const invocation = parseOptions(argv);
    return { settings: invocation, work: (messages, signal) => work(invocation, messages, signal) };
  }
  return undefined;
}

type Produced = FlattenOptions & { readonly onSource: (source: Image['source']) => void };

async function printHelp(): Promise<void> {
  const { helpText } = await import('./options/help-text.js');
  await writeOut(await helpText(process.stdout.columns || undefined));
}

async function work(invocation: Invocation, { log, bar }: Messages, signal: AbortSignal): Promise<void> {
  const options: FlattenOptions = {
    ...invocation.library,
    signal,
    onWarning: (warning) => log.warning(warning),
    onInfo: (message) => log.write('info', message),
    ...(bar && { onProgress: (progress) => bar.update(progress) }),
    ...(log.shows('info') && { onEntry: (await import('./messages/entry-logger.js')).entryLogger(log) }),
  };
  const produce = invocation.action === 'list' ? list : flatten;
  const text = await produce(invocation, { ...options, onSource: tellSource(log) }).finally(() => bar?.clear());
  await writeOut(text, invocation.target === '-' ? process.stderr : process.stdout, signal);
}

/** A bare name can mean an image of an engine or of a registry. Logs when it came from a registry. */
function tellSource(log: Messages['log']): (source: Image['source']) => void {
  return ({ transport, location }) => {
    if (transport === 'docker') log.write('info', `the image is that of the registry ${location}`);
  };
}

async function list({ reference, json, quiet }: Invocation, options: Produced): Promise<string> {
  const { listImage } = await import('./output/list-image.js');
  // `columns` is 0 on a terminal that does not know its width, and `undefined` where there is no terminal.
  const columns = process.stdout.columns || undefined;
  return listImage(reference, { ...options, json, quiet, columns });
}

async function flatten({ reference, target, json }: Invocation, options: Produced): Promise<string> {
  const library = await import('../flatten.js');
  const result = await library.flatten(reference, target, options);
  options.onSource(result.source);
  return json ? formatJson(result) : '';
}
