import { describe, expect, test } from 'vitest';
import { entryLogger } from '#dimgx/cli/commands/flatten.js';
import { Log } from '#dimgx/cli/messages/log.js';
import { type LogLevel, parseLogFormat } from '#dimgx/cli/messages/log-format.js';

function logAt(level: LogLevel, format?: string) {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  return { lines, log: new Log({ level, write, ...(format && { format: parseLogFormat(format) }) }) };
}

test('each level shows itself and what is graver', () => {
  const shown = (['error', 'warning', 'info', 'debug'] as const).map((level) => {
    const { log, lines } = logAt(level);
    for (const each of ['error', 'warning', 'info', 'debug'] as const) log.write(each, each);
    return lines.length;
  });
  expect(shown).toEqual([1, 2, 3, 4]);
});

test('a line names the program, and the level unless it is an error', () => {
  const { log, lines } = logAt('debug');
  log.write('error', 'DIMGX_X: what happened: what to do');
  log.warning({ code: 'DIMGX_SOURCE_UNVERIFIED', message: 'no digests', count: 1 });
  const tell = entryLogger(log);
  const facts = { size: 1234, mode: 0o4755, mtime: 1_428_667_200 };
  tell({ action: 'write', path: 'etc/passwd', layer: 'abc', ...facts });
  tell({ action: 'write', path: 'etc', layer: 'abc', size: 0, mode: 0, mtime: 2 ** 50 });
  tell({ action: 'skip', path: 'tmp/x', layer: 'abc', reason: 'hidden by removal of "tmp"', ...facts });
  tell({ action: 'skip', path: 'tmp/y', layer: 'abc', ...facts });
  expect(lines).toEqual([
    'dimgx: DIMGX_X: what happened: what to do',
    'dimgx: warning: DIMGX_SOURCE_UNVERIFIED: no digests',
    'dimgx: info: writing "etc/passwd" from "abc" to archive (size: 1.23 kB; mode: 4755; mtime: 2015-04-10T12:00:00Z)',
    'dimgx: info: writing "etc" from "abc" to archive (size: 0 B; mode: 0; mtime: 1125899906842624 s)',
    'dimgx: debug: skipping "tmp/x" hidden by removal of "tmp"',
    'dimgx: debug: skipping "tmp/y"',
  ]);
});

test('whatever a message holds, it is one line that steers no terminal', () => {
  const { log, lines } = logAt('warning');
  log.write('error', 'a\nb\x1b[2J\u202ec');
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toMatch(/[\p{Cc}\u202e]/u);
});

describe('warnings of one kind', () => {
  const flood = (level: LogLevel) => {
    const { log, lines } = logAt(level);
    for (let n = 1; n <= 5; n++) log.warning({ code: 'DIMGX_ENTRY_DUPLICATE', message: `path ${n}`, count: n });
    log.warning({ code: 'DIMGX_ENTRY_AUFS', message: 'left over', count: 1 });
    const before = lines.length;
    log.close();
    log.close();
    return { before, lines };
  };

  test('are one line with their count, when the work is over', () => {
    expect(flood('warning')).toEqual({
      before: 0,
      lines: [
        'dimgx: warning: DIMGX_ENTRY_DUPLICATE: path 1 (15 in all)',
        'dimgx: warning: DIMGX_ENTRY_AUFS: left over',
      ],
    });
  });

  test('but of several reasons are one line for each reason', () => {
    const { log, lines } = logAt('warning');
    const code = 'DIMGX_ENTRY_LEFT_OUT';
    for (const layer of ['a', 'b']) {
      log.warning({ code, message: `sockets of ${layer}`, count: 1, reason: 'socket' });
      log.warning({ code, message: `names of ${layer}`, count: 3, reason: 'mark' });
    }
    log.warning({ code, message: 'others', count: 1 });
    log.close();
    expect(lines).toEqual([
      'dimgx: warning: DIMGX_ENTRY_LEFT_OUT: sockets of a (2 in all)',
      'dimgx: warning: DIMGX_ENTRY_LEFT_OUT: names of a (6 in all)',
      'dimgx: warning: DIMGX_ENTRY_LEFT_OUT: others',
    ]);
  });

  test('are all shown at once at the level info', () => {
    const { before, lines } = flood('info');
    expect({ before, shown: lines.length }).toEqual({ before: 6, shown: 6 });
    expect(lines[4]).toBe('dimgx: warning: DIMGX_ENTRY_DUPLICATE: path 5 (5 in all)');
  });

  test('are not shown where no warning is', () => {
    expect(flood('error').lines).toEqual([]);
  });

  test('about what was asked for are each shown at once', () => {
    const { log, lines } = logAt('warning');
    for (const spec of ['x', 'y']) log.warning({ code: 'DIMGX_LAYER_SPEC_UNRESOLVED', message: spec, count: 1 });
    expect(lines).toHaveLength(2);
  });
});

describe('--log-format', () => {
  const record = { level: 'warning' as const, message: 'odd', time: new Date(2015, 3, 10, 9, 5, 7, 42) };

  test.each([
    ['%(levelname)s: %(message)s', 'WARNING: odd'],
    ['%(levelname)-8s: %(message)s', 'WARNING : odd'],
    ['%(levelname)8s|', ' WARNING|'],
    ['%(levelname).4s', 'WARN'],
    ['%(levelname).99999999999s', 'WARNING'],
    ['%(levelno)9999d', '30'.padStart(9999)],
    ['%(levelname)-6.4s|', 'WARN  |'],
    ['%(asctime)s', '2015-04-10 09:05:07,042'],
    ['%(levelno)d %(name)s', '30 dimgx'],
    ['100%% %(message)s%%', '100% odd%'],
    ['no field', 'no field'],
  ])('%s', (format, line) => {
    expect(parseLogFormat(format)(record)).toBe(line);
  });

  test('a message that looks like a format is left alone', () => {
    expect(parseLogFormat('%(message)s')({ ...record, message: '%(levelname)s $& %%' })).toBe('%(levelname)s $& %%');
  });

  test.each([
    ...['%(bogus)s', '%(message)', '%s', '%', 'half %(message', '%(constructor)s', '%(message)q'],
    ...['%(message)10000s', '%(message)-999999999999s'],
  ])('%s is bad usage', (format) => {
    expect(() => parseLogFormat(format)).toThrow(expect.objectContaining({ code: 'DIMGX_USAGE' }));
  });

  test('holds for every line', () => {
    const { log, lines } = logAt('warning', '<%(levelname)s> %(message)s');
    log.write('error', 'x');
    log.warning({ code: 'DIMGX_ENTRY_AUFS', message: 'y', count: 1 });
    log.close();
    expect(lines).toEqual(['<ERROR> x', '<WARNING> DIMGX_ENTRY_AUFS: y']);
  });
});
