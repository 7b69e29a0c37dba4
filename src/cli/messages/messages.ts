import { Log } from './log.js';
import { parseLogFormat } from './log-format.js';
import type { LogLevel } from './log-level.js';
import type { MessageSettings, ProgressChoice } from './message-settings.js';
import type { ProgressBar } from './progress-bar.js';

/** What goes to standard error: the log, and below its last line the progress bar, if there is one. */
export interface Messages {
  readonly log: Log;
  readonly bar: ProgressBar | undefined;
}

/** Errors and warnings in the default format, used until the command line has been read. */
export const PLAIN_MESSAGES: Messages = { log: new Log({ level: 'warning', write: writeLine }), bar: undefined };

/**
 * @throws DIMGX_CLI_USAGE for a bad log format
 */
export async function openMessages({ logLevel, logFormat, progress }: MessageSettings): Promise<Messages> {
  const format = logFormat === undefined ? undefined : parseLogFormat(logFormat);
  const bar = wantsBar(progress, logLevel)
    ? new (await import('./progress-bar.js')).ProgressBar(process.stderr)
    : undefined;
  const write = (line: string) => {
    bar?.clear();
    writeLine(line);
  };
  return { log: new Log({ level: logLevel, write, ...(format && { format }) }), bar };
}

/**
 * With `auto`, a bar is drawn only for people: on a terminal that can redraw a line, and not between the lines of a
 * log.
 */
function wantsBar(progress: ProgressChoice, logLevel: LogLevel): boolean {
  if (progress !== 'auto') return progress === 'always';
  const isForPeople = process.stderr.isTTY && process.env.TERM !== 'dumb';
  return isForPeople && (logLevel === 'error' || logLevel === 'warning');
}

function writeLine(line: string): void {
  process.stderr.write(`${line}\n`);
}
