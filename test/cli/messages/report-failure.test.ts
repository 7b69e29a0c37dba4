import { expect, test } from 'vitest';
import { Log } from '#dimgx/cli/messages/log.js';
import { reportFailure } from '#dimgx/cli/messages/report-failure.js';

function reported(failure: unknown): readonly string[] {
  const lines: string[] = [];
  reportFailure(failure, new Log({ level: 'error', write: (line) => void lines.push(line) }), 'dimgx --help');
  return lines;
}

test.each(['EMFILE', 'ENFILE'])('%s is never called a defect, wherever it comes from', (code) => {
  const failure = Object.assign(new Error(`${code}: too many open files, open 'sink.js'`), { code, syscall: 'open' });
  expect(reported(failure)).toEqual([expect.stringMatching(/^dimgx: DIMGX_TOO_MANY_FILES: .*ulimit -n/)]);
});

test('an error without a code of ours is called a defect, in one line', () => {
  expect(reported(new TypeError('x is undefined'))).toEqual([expect.stringMatching(/^dimgx: DIMGX_INTERNAL: x is/)]);
});
