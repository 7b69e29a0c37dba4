import { printable } from '../../base/text/printable.js';
import { WARNINGS, type Warning } from '../../errors.js';
import { type FormatLine, formatPlainly } from './log-format.js';
import { LOG_LEVELS, type LogLevel } from './log-level.js';

export interface LogSettings {
  readonly level: LogLevel;
  readonly format?: FormatLine;
  /** Takes one line, without its end. */
  readonly write: (line: string) => void;
}

/** Messages for people, one line each, to where the settings say. */
export class Log {
  readonly #settings: LogSettings;
  /** Of each kind the first, with the count of all. */
  readonly #held = new Map<string, Warning>();

  constructor(settings: LogSettings) {
    this.#settings = settings;
  }

  shows(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(this.#settings.level);
  }

  write(level: LogLevel, message: string): void {
    if (!this.shows(level)) return;
    const format = this.#settings.format ?? formatPlainly;
    this.#settings.write(printable(format({ level, message, time: new Date() })));
  }

  /** What is odd about the image is held until `close`, to be one line for each kind; from `info` on nothing is held. */
  warning(warning: Warning): void {
    const { code, message, count } = warning;
    if (WARNINGS[code].about === 'request' || this.shows('info')) {
      this.write('warning', shown(warning));
    } else {
      const held = this.#held.get(code);
      this.#held.set(code, { code, message: held?.message ?? message, count: count + (held?.count ?? 0) });
    }
  }

  /** Writes the warnings that were held. Call when the work is over. */
  close(): void {
    for (const warning of this.#held.values()) this.write('warning', shown(warning));
    this.#held.clear();
  }
}

function shown({ code, message, count }: Warning): string {
  return `${code}: ${message}${count > 1 ? ` (${count} in all)` : ''}`;
}
