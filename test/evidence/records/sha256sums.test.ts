import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256sumsRecord } from '#dimgx/evidence/records/sha256sums.js';
import { lacks } from '../../helpers/engines.js';
import { temporaryFolder } from '../../helpers/members.js';
import { ODD_NAMES, oddTree, PATTERNS } from '../../helpers/odd-tree.js';
import { recordedEntry, recordedTree } from '../../helpers/recorded-entry.js';
import { runCommand } from '../../helpers/run-command.js';
import { listTree } from '../../helpers/tree.js';
import { XATTR_READER } from '../../helpers/xattrs.js';

const { line } = sha256sumsRecord();
const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

test('a file has a line with its hash and its path', () => {
  expect(line(recordedEntry({ path: 'usr/bin/a b', sha256 }))).toBe(`${sha256}  ./usr/bin/a b\n`);
});

test('a backslash, a newline and a carriage return are escaped, and the line begins with a backslash', () => {
  expect(line(recordedEntry({ path: 'a\\b\nc\rd', sha256 }))).toBe(`\\${sha256}  ./a\\\\b\\nc\\rd\n`);
});

test('bytes that are not UTF-8 stand as they are', () => {
  expect(line(recordedEntry({ path: 'caf\xe9\t', sha256 }))).toBe(`${sha256}  ./caf\xe9\t\n`);
});

test('what is not a regular file has no line', () => {
  expect(line(recordedEntry({ type: 'directory' }))).toBe('');
  expect(line(recordedEntry({ type: 'symlink', target: 'a' }))).toBe('');
});

test.skipIf(lacks('sha256sum', 'tar', 'xargs', XATTR_READER) || isOld())(
  'sha256sum prints the same for every odd name, and checks it (needs GNU coreutils 9, tar, xargs and perl)',
  async () => {
    const root = await oddTree([...ODD_NAMES, ...PATTERNS]);
    const entries = recordedTree(await listTree(root));
    const files = entries.filter(({ type }) => type === 'file');
    const text = Buffer.from(entries.map(line).join(''), 'latin1');
    const names = Buffer.concat(files.map(({ path }) => Buffer.concat([Buffer.from('./'), path, Buffer.alloc(1)])));
    const { stdout } = await runCommand('xargs', ['-0', 'sha256sum'], { cwd: root, input: names });
    expect(text.equals(stdout)).toBe(true);
    const record = join(await temporaryFolder(), 'sha256sums');
    await writeFile(record, text);
    const checked = await runCommand('sha256sum', ['-c', '--strict', '--quiet', record], { cwd: root });
    expect(checked.stdout.toString() + checked.stderr).toBe('');
  },
);

/** Before version 9, `sha256sum` does not escape a carriage return. */
function isOld(): boolean {
  if (process.env.DIMGX_REQUIRE_ENGINES === '1' || lacks('sha256sum')) return false;
  const [, version = '0'] =
    /coreutils\) (\d+)/.exec(execFileSync('sha256sum', ['--version'], { encoding: 'utf8' })) ?? [];
  return Number(version) < 9;
}
