import { usageError } from '../options/usage-error.js';

/** Each level includes the messages of the levels before it. */
export const LOG_LEVELS = ['error', 'warning', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a line of the log can contain. */
export interface LogRecord {
  readonly level: LogLevel;
  /** Starts with the code, if there is one. */
  readonly message: string;
  readonly time: Date;
}

export type FormatLine = (record: LogRecord) => string;

const FIELDS: Readonly<Record<string, (record: LogRecord) => string>> = {
  asctime: ({ time }) => asctime(time),
  created: ({ time }) => String(time.getTime() / 1000),
  levelname: ({ level }) => level.toUpperCase(),
  levelno: ({ level }) => String({ error: 40, warning: 30, info: 20, debug: 10 }[level]),
  message: ({ message }) => message,
  name: () => 'dimgx',
  process: () => String(process.pid),
};

/** `%%`, `%(field)s` with Python's flags, width and precision, or a percent sign that is neither. */
const DIRECTIVE = /%(?:(%)|\((\w+)\)([-#0 +]*)(\d*)(?:\.(\d+))?([sdf])|)/g;

/** Far wider than anyone needs. Some widths that a user could ask for exceed the longest possible string. */
const MAX_WIDTH = 9999;

/**
 * Compiles a format of Python's `logging`, percent style.
 *
 * @throws DIMGX_USAGE for a field that dimgx does not have, for a width over 9999, and for a percent sign that
 *   begins nothing
 */
export function parseLogFormat(format: string): FormatLine {
  for (const [, percent, field, , width, , conversion] of format.matchAll(DIRECTIVE)) {
    if (percent) continue;
    if (conversion === undefined) throw usageError(`--log-format "${format}" has a stray percent sign`);
    if (!Object.hasOwn(FIELDS, field ?? '')) {
      throw usageError(`--log-format has no field "${field}", only ${Object.keys(FIELDS).join(', ')}`);
    }
    if (Number(width) > MAX_WIDTH) throw usageError(`--log-format allows widths up to ${MAX_WIDTH}`);
  }
  return (record) =>
    format.replace(DIRECTIVE, (_, percent?: string, field?: string, flags = '', width = '', precision?: string) => {
      if (percent || field === undefined) return '%';
      const text = FIELDS[field]?.(record) ?? '';
      const cut = precision === undefined ? text : text.slice(0, Number(precision));
      return flags.includes('-') ? cut.padEnd(Number(width)) : cut.padStart(Number(width));
    });
}

/** `2015-04-10 12:00:00,123` in local time, in Python's format. */
function asctime(time: Date): string {
  const two = (part: number) => String(part).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${date} ${clock},${String(time.getMilliseconds()).padStart(3, '0')}`;
}

/** The format without `--log-format`: `dimgx: message`, with the level before the message unless it is an error. */
export const formatPlainly: FormatLine = ({ level, message }) =>
  level === 'error' ? `dimgx: ${message}` : `dimgx: ${level}: ${message}`;
