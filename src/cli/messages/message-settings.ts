import { oneOf } from '../options/one-of.js';
import { OPTION_TABLE, PROGRESS_CHOICES } from '../options/option-table.js';
import type { Given } from '../options/read-options.js';
import { LOG_LEVELS, type LogLevel } from './log-level.js';

const { 'log-level': level, 'log-format': format, verbose, progress } = OPTION_TABLE;

/** The options that control what goes to standard error. */
export const MESSAGE_OPTIONS = { 'log-level': level, 'log-format': format, verbose, progress } as const;

export type ProgressChoice = (typeof PROGRESS_CHOICES)[number];

export interface MessageSettings {
  readonly logLevel: LogLevel;
  readonly logFormat: string | undefined;
  readonly progress: ProgressChoice;
}

/** @throws DIMGX_CLI_USAGE */
export function messageSettings(given: Given<typeof MESSAGE_OPTIONS>): MessageSettings {
  return {
    logLevel: logLevelOf(given['log-level'], given.verbose ?? 0),
    logFormat: given['log-format'],
    progress: given.progress === undefined ? 'auto' : oneOf('--progress', given.progress, PROGRESS_CHOICES),
  };
}

function logLevelOf(name: string | undefined, verbose: number): LogLevel {
  const named = name === undefined ? 'warning' : oneOf('--log-level', name.toLowerCase(), LOG_LEVELS);
  const least = LOG_LEVELS.indexOf('warning') + verbose;
  return (
    LOG_LEVELS[Math.min(Math.max(LOG_LEVELS.indexOf(named), verbose > 0 ? least : 0), LOG_LEVELS.length - 1)] ?? named
  );
}
