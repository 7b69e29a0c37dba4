import type { Warning } from '../errors.js';
import { printable } from '../image/printable.js';
import type { EntryEvent } from '../options.js';
import { type FormatLine, formatPlainly } from './log-format.js';
import { LOG_LEVELS, type LogLevel } from './log-level.js';

export interface LogSettings {
  readonly level: LogLevel;
  readonly format?: FormatLine;
  /** Takes one line, without its end. */
  readonly write: (line: string) => void;
}

/** Of one kind of warning, as many are shown; then they are counted. All are, from `info` on. */
const SHOWN_OF_A_KIND = 3;

/** Messages for people, one line each, to where the settings say. */
export class Log {
  readonly #settings: LogSettings;
  readonly #counts = new Map<string, number>();

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

  warning({ code, message }: Warning): void {
    const count = (this.#counts.get(code) ?? 0) + 1;
    this.#counts.set(code, count);
    if (count <= SHOWN_OF_A_KIND || this.shows('info')) this.write('warning', `${code}: ${message}`);
  }

  entry({ action, path, layer, reason }: EntryEvent): void {
    if (action === 'write') this.write('info', `writing "${path}" from "${layer}"`);
    else this.write('debug', `skipping "${path}"${reason === undefined ? '' : ` ${reason}`}`);
  }

  /** Tells how many warnings were not shown. Call once, when the work is over. */
  close(): void {
    if (this.shows('info')) return;
    for (const [code, count] of this.#counts) {
      const more = count - SHOWN_OF_A_KIND;
      if (more > 0) this.write('warning', `${code}: ${more} more like this; -v shows them`);
    }
  }
}
