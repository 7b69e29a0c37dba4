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
 * Does what the arguments ask, and says on standard error what went wrong.
 *
 * @param args without the program's own name
 * @returns what the process is to exit with
 */
export async function run(args: readonly string[]): Promise<ExitCode | 0> {
  // Whoever reads the messages may go away; that ends nothing.
  process.stderr.on('error', () => {});
  let messages = PLAIN_MESSAGES;
  let command: FoundCommand | undefined;
  // Node would print warnings about its own affairs, such as experimental parts of it
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

/** What a name means, an engine or a registry tells: which of them it was. */
function tellSource(log: Messages['log']): (source: Image['source']) => void {
  return ({ transport, location }) => {
    if (transport === 'docker') log.write('info', `the image is that of the registry ${location}`);
  };
}

async function list({ reference, json, quiet }: Invocation, options: Produced): Promise<string> {
  const { listImage } = await import('./output/list-image.js');
  // A terminal that does not know its width says 0; what is no terminal says nothing.
  const columns = process.stdout.columns || undefined;
  return listImage(reference, { ...options, json, quiet, columns });
}

async function flatten({ reference, target, json }: Invocation, options: Produced): Promise<string> {
  const library = await import('../flatten.js');
  const result = await library.flatten(reference, target, options);
  options.onSource(result.source);
  return json ? formatJson(result) : '';
}
