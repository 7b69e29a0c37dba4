import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dockerArchive } from '../helpers/docker-archive.js';
import { measureDimgx } from '../helpers/measure-dimgx.js';
import { temporaryFolder, writeArchive } from '../helpers/members.js';
import { rawEntry, rawTar } from '../helpers/raw-tar.js';
import { expectBounded } from '../helpers/refusal.js';

const LONG = 100_000;

/** Names that nearly fit the patterns, so that a matcher that goes back would go back often. */
async function image(): Promise<string> {
  const files = Array.from({ length: 500 }, (_, i) => rawEntry({ name: `${'a'.repeat(90)}${i}` }));
  return writeArchive(dockerArchive([{ layers: [rawTar(...files)] }]));
}

const COMMANDS: readonly (readonly [string, (path: string, image: string, folder: string) => readonly string[]])[] = [
  ['ls', (path, from) => ['ls', from, path]],
  ['cat', (path, from) => ['cat', from, path]],
  ['cp', (path, from, folder) => ['cp', from, path, folder]],
  ['history', (path, from) => ['history', from, path]],
];

test.each(COMMANDS)('%s refuses a path of 100 KB in one short line', async (_, args) => {
  const from = await image();
  for (const path of [
    'x'.repeat(LONG),
    `${'x/'.repeat(LONG / 2)}x`,
    `${'../'.repeat(LONG / 3)}x`,
    `${'/'.repeat(LONG)}x`,
  ]) {
    const { stdout, stderr, exitCode, ...work } = await measureDimgx(args(path, from, await temporaryFolder()));
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toMatch(/^dimgx: DIMGX_PATH_NOT_FOUND: [^\p{Cc}]{1,500}\n$/u);
    expectBounded(work, (await stat(from)).size + LONG);
  }
});

test.each([
  ['ls', (pattern: string, from: string) => ['ls', from, pattern]],
  ['cp', (pattern: string, from: string, folder: string) => ['cp', from, pattern, folder]],
  [
    '--include',
    (pattern: string, from: string, folder: string) => [`--include=${pattern}`, '-t', join(folder, 'out'), from],
  ],
  [
    '--exclude',
    (pattern: string, from: string, folder: string) => [`--exclude=${pattern}`, '-t', join(folder, 'out'), from],
  ],
])('%s refuses a pattern of 100 KB, and matches one of the longest kind in bounded time', async (_, args) => {
  const from = await image();
  const refused = await measureDimgx(args('*a'.repeat(LONG / 2), from, await temporaryFolder()));
  expect(refused.stderr).toMatch(/^dimgx: DIMGX_OPTION_INVALID: [^\p{Cc}]{1,500}\n$/u);
  expect(refused).toMatchObject({ stdout: '', exitCode: expect.any(Number) });
  for (const pattern of [
    `${'*a'.repeat(4000)}*b`,
    `${'*a'.repeat(40)}*b`,
    `${'*[!b]?'.repeat(1300)}*b`,
    '**/a*/'.repeat(1300),
  ]) {
    const { stderr, ...work } = await measureDimgx(args(pattern, from, await temporaryFolder()));
    expect(stderr).toMatch(/^dimgx: (DIMGX_PATH_NOT_FOUND|warning: DIMGX_PATH_UNMATCHED): [^\p{Cc}]{1,500}\n$/u);
    expectBounded(work, (await stat(from)).size);
  }
});
