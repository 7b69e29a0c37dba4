import type { FlattenOptions, Image } from '../../index.js';
import { choice, type Given, type OptionTable, oneOf, since2015, text } from '../options/option-row.js';
import { Log } from './log.js';
import { type FormatLine, LOG_LEVELS, type LogLevel, parseLogFormat } from './log-format.js';
import type { ProgressBar } from './progress-bar.js';

/** The options that control what goes to standard error. */
export const MESSAGE_OPTIONS = {
  'log-level': {
    ...text,
    choices: LOG_LEVELS,
    metavar: '=LEVEL',
    ...since2015,
    read: (option: string, name: string) => oneOf(LOG_LEVELS)(option, name.toLowerCase()),
    describe: 'print messages of this level and above: error, warning (default), info or debug',
  },
  'log-format': {
    ...text,
    metavar: '=FORMAT',
    ...since2015,
    read: (_: string, format: string) => parseLogFormat(format),
    describe: 'format of messages, as in Python: %(levelname)s, %(message)s, %(asctime)s',
  },
  verbose: {
    type: 'count',
    repeatable: true,
    alias: 'v',
    describe: 'also print messages of level info; -vv also those of level debug',
  },
  progress: {
    ...choice(['auto', 'always', 'never']),
    metavar: '=WHEN',
    describe: 'show progress bars: auto (default: on a terminal), always or never',
  },
} as const satisfies OptionTable;

export interface MessageSettings {
  readonly level: LogLevel;
  /** `undefined`: as `formatPlainly` does. */
  readonly format: FormatLine | undefined;
  readonly progress: 'auto' | 'always' | 'never';
}

export function messageSettings(given: Given<typeof MESSAGE_OPTIONS>): MessageSettings {
  const level = logLevelOf(given['log-level'] ?? 'warning', given.verbose ?? 0);
  return { level, format: given['log-format'], progress: given.progress ?? 'auto' };
}

/** `-v` means at least `info`, and `-vv` means `debug`. */
function logLevelOf(named: LogLevel, verbose: number): LogLevel {
  const least = verbose > 0 ? LOG_LEVELS.indexOf('warning') + verbose : 0;
  return LOG_LEVELS[Math.min(Math.max(LOG_LEVELS.indexOf(named), least), LOG_LEVELS.length - 1)] ?? named;
}

/** What goes to standard error: the log, and below its last line the progress bar, if there is one. */
export interface Messages {
  readonly log: Log;
  readonly bar: ProgressBar | undefined;
}

/** Errors and warnings in the default format, used until the command line has been read. */
export const PLAIN_MESSAGES: Messages = { log: new Log({ level: 'warning', write: writeLine }), bar: undefined };

export async function openMessages(settings: MessageSettings): Promise<Messages> {
  const { level, format } = settings;
  const bar = wantsBar(settings) ? new (await import('./progress-bar.js')).ProgressBar(process.stderr) : undefined;
  const write = (line: string) => {
    bar?.clear();
    writeLine(line);
  };
  return { log: new Log({ level, write, ...(format && { format }) }), bar };
}

/**
 * With `auto`, a bar is drawn only for people: on a terminal that can redraw a line, and not between the lines of a
 * log.
 */
function wantsBar({ progress, level }: MessageSettings): boolean {
  if (progress !== 'auto') return progress === 'always';
  const isForPeople = process.stderr.isTTY && process.env.TERM !== 'dumb';
  return isForPeople && (level === 'error' || level === 'warning');
}

function writeLine(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A bare name can mean an image of an engine or of a registry. Reports when it came from a registry. */
export function reportSource({ transport, location }: Image['source'], { onInfo }: FlattenOptions): void {
  if (transport === 'docker') onInfo?.(`the image comes from the registry ${location}`);
}
