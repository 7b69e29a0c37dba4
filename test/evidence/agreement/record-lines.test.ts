import { closeSync, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RecordLines } from '#dimgx/evidence/agreement/record-lines.js';
import { temporaryFolder } from '../../helpers/members.js';

async function linesOf(text: string): Promise<RecordLines> {
  const path = join(await temporaryFolder(), 'record');
  await writeFile(path, text, 'latin1');
  const fd = openSync(path, 'r');
  onTestFinished(() => closeSync(fd));
  return new RecordLines(fd, 'data/record');
}

async function all(lines: RecordLines): Promise<readonly string[]> {
  const found: string[] = [];
  for (;;) {
    await lines.next();
    expect(lines.number).toBe(found.length + 1);
    if (lines.line === undefined) return found;
    found.push(lines.line);
  }
}

describe('lines come with their ends, a character for each byte', () => {
  test.each([
    ['nothing', []],
    ['one line', ['a\n']],
    ['a line that is not ended', ['a\n', 'b']],
    ['empty lines', ['\n', '\n', 'a\n', '\n']],
    ['other line ends', ['a\rb\r\n', '\u0085\x0b\x0c\n', 'c\r']],
    ['all bytes', [String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => (byte === 10 ? 0 : byte)))]],
    ['a line of a million bytes', ['a\n', `${'b'.repeat(1_000_000)}\n`, 'c\n']],
    ['many lines', Array.from({ length: 100_000 }, (_, i) => `line ${i}\n`)],
    ['lines around the size of a piece', [`${'a'.repeat(2 ** 18 - 1)}\n`, `${'b'.repeat(2 ** 18)}\n`, 'c\n']],
  ])('%s', async (_, lines) => {
    expect(await all(await linesOf(lines.join('')))).toEqual(lines);
  });
});

test('what is in memory takes no promise', async () => {
  const lines = await linesOf('a\nb\nc\n');
  expect(lines.next()).toBeInstanceOf(Promise);
  await lines.next();
  await lines.next();
  expect([lines.line, lines.next()]).toEqual(['b\n', undefined]);
});

test.each([2 ** 24 - 1, 2 ** 24 + 2 ** 25])('a line of %i bytes', async (length) => {
  const lines = await linesOf(`a\n${'b'.repeat(length)}\n`);
  await lines.next();
  const next = Promise.resolve(lines.next()).then(() => lines.line?.length);
  if (length < 2 ** 24) expect(await next).toBe(length + 1);
  else
    await expect(next).rejects.toMatchObject({ code: 'DIMGX_BAG_INVALID', message: expect.stringContaining('line 2') });
});
