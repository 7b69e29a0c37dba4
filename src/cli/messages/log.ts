import { printable, WARNINGS, type Warning } from '../../index.js';
import { type FormatLine, formatPlainly, LOG_LEVELS, type LogLevel } from './log-format.js';

export interface LogSettings {
  readonly level: LogLevel;
  readonly format?: FormatLine;
  /** Takes one line, without its line end. */
  readonly write: (line: string) => void;
}

/** Messages for people, one line each, written as the settings say. */
export class Log {
  readonly #settings: LogSettings;
  /** The first warning of each code and reason, with the count of all. */
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

  /**
   * Holds warnings about the image until `close`, which writes one line for each kind. Warnings about the request are
   * written at once, and at the levels `info` and `debug` so are all others.
   */
  warning(warning: Warning): void {
    const { code, message, count, reason = '' } = warning;
    const kind = `${code} ${reason}`;
    if (WARNINGS[code].about === 'request' || this.shows('info')) {
      this.write('warning', shown(warning));
    } else {
      const held = this.#held.get(kind);
      this.#held.set(kind, { code, message: held?.message ?? message, count: count + (held?.count ?? 0) });
    }
  }

  /** Writes the held warnings. Call it when the work is over. */
  close(): void {
    for (const warning of this.#held.values()) this.write('warning', shown(warning));
    this.#held.clear();
  }
}

function shown({ code, message, count }: Warning): string {
  return `${code}: ${message}${count > 1 ? ` (${count} in all)` : ''}`;
}
