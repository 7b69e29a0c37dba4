import type { Messages } from '../messages/messages.js';
import type { OptionTable } from '../options/option-row.js';
import { type GivenTexts, type ReadOptions, readOptions } from '../options/read-options.js';
import { usageError } from '../options/usage-error.js';
import { formatJson, formatJsonLine, writeOut } from '../output/print.js';
import {
  type CallOptions,
  type CheckedOperands,
  type Command,
  type CommandContext,
  type OperandCount,
  optionsOf,
  type Result,
} from './command.js';

/** A command, and what its line gives it. */
export interface CommandLine {
  /** `cache ls`; empty for `dimgx IMAGE`. */
  readonly name: string;
  readonly command: Command;
  readonly options: GivenTexts;
  readonly operands: readonly string[];
}

/**
 * Checks the operands and options of a command, runs it, and prints its results.
 *
 * @throws DIMGX_USAGE, and what the command throws
 */
export async function runCommand(line: CommandLine, messages: Messages, signal: AbortSignal): Promise<void> {
  const { log, bar } = messages;
  const call: CallOptions = {
    signal,
    onWarning: (warning) => log.warning(warning),
    onInfo: (message) => log.write('info', message),
    ...(bar && { onProgress: (progress) => bar.update(progress) }),
  };
  const read = readLine(line);
  const context: CommandContext = {
    ...read,
    library: { ...read.library, ...call },
    log,
    helps: async () => (await import('./command-help.js')).allHelp(),
  };
  try {
    for await (const result of resultsOf(line.command, context)) {
      bar?.clear();
      await writeOut(printed(result, context.json), result.stream ?? process.stdout, signal);
    }
  } finally {
    bar?.clear();
  }
}

function printed(result: Result, isJson: boolean): string | Uint8Array {
  if (isJson && result.jsonLines) return result.jsonLines().map(formatJsonLine).join('');
  return isJson && result.json ? formatJson(result.json()) : result.text();
}

/** What a command line says. */
export type LineContent = Pick<CommandContext, 'operands' | 'given' | 'json'> & ReadOptions<OptionTable>;

/**
 * Reads a command line. Nothing is done yet.
 *
 * @throws DIMGX_USAGE
 */
export function readLine({ name, command, options, operands }: CommandLine): LineContent {
  const { count = 'none', wanted = 'takes no operands', mayBeEmpty = false } = command.operands ?? {};
  if (!isRightCount(count, operands) || (count === 'one' && !mayBeEmpty && operands[0] === '')) {
    throw usageError(typeof wanted === 'string' ? `${name} ${wanted}` : wanted(operands));
  }
  return { operands, json: options.json === true, ...readOptions(options, optionsOf(command)) };
}

function isRightCount(count: OperandCount, operands: readonly string[]): operands is CheckedOperands[OperandCount] {
  switch (count) {
    case 'none':
      return operands.length === 0;
    case 'one':
      return operands.length === 1;
    case 'optional':
      return operands.length <= 1;
    case 'some':
      return operands.length > 0;
  }
}

async function* resultsOf(command: Command, context: CommandContext): AsyncIterable<Result> {
  const made = command.run(context);
  if (Symbol.asyncIterator in made) yield* made;
  else yield await made;
}
