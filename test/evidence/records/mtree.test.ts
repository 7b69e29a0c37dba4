import { spawnSync } from 'node:child_process';
import { chmod, chown, link, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RecordedEntry } from '#dimgx/evidence/recorded-entry.js';
import { mtreeRecord } from '#dimgx/evidence/records/mtree.js';
import { lacks } from '../../helpers/engines.js';
import { temporaryFolder } from '../../helpers/members.js';
import { ODD_NAMES, oddTree, PATTERNS } from '../../helpers/odd-tree.js';
import { recordedEntry, recordedTree } from '../../helpers/recorded-entry.js';
import { runCommand } from '../../helpers/run-command.js';
import { listTree } from '../../helpers/tree.js';
import { XATTR_READER } from '../../helpers/xattrs.js';

const { heading, line } = mtreeRecord();
const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const root = recordedEntry({ path: '', type: 'directory', mode: 0o755 });

const recordOf = (entries: readonly RecordedEntry[]) =>
  Buffer.from(heading(entries[0]) + entries.map(line).join(''), 'latin1');

test('the root comes first, and has a line even if no entry describes it', () => {
  expect(heading(root) + line(root)).toBe('#mtree\n. type=dir uid=0 gid=0 mode=0755 time=0.000000000\n');
  expect(heading(recordedEntry())).toBe('#mtree\n. type=dir\n');
  expect(heading(undefined)).toBe('#mtree\n. type=dir\n');
});

test('a file has the keywords of a file', () => {
  const file = { path: 'usr/a', mode: 0o4755, uid: 1000, gid: 50, size: 12, mtime: { seconds: 5, nanos: 6 }, sha256 };
  const keywords = `uid=1000 gid=50 mode=4755 time=5.000000006 nlink=2 size=12 sha256digest=${sha256}`;
  expect(line(recordedEntry({ ...file, origin: { nlink: 2 } }))).toBe(`./usr/a type=file ${keywords}\n`);
});

test.each([
  ['directory', 'dir'],
  ['fifo', 'fifo'],
] as const)('a %s has neither size nor links', (type, name) => {
  expect(line(recordedEntry({ type }))).toBe(`./a type=${name} uid=0 gid=0 mode=0644 time=0.000000000\n`);
});

test('a symlink has its target', () => {
  const text = './a type=link uid=0 gid=0 mode=0777 time=0.000000000 link=b\\040c\n';
  expect(line(recordedEntry({ type: 'symlink', mode: 0o777, target: 'b c' }))).toBe(text);
});

test('a device has its numbers', () => {
  const device = { major: 259, minor: 70_000 };
  expect(line(recordedEntry({ type: 'character', device }))).toMatch(/^\.\/a type=char .* device=native,259,70000\n$/);
  expect(line(recordedEntry({ type: 'block', device }))).toMatch(/^\.\/a type=block .* device=native,259,70000\n$/);
});

test('numbers that no device has, and an empty target, are left out: they would make the whole record invalid', () => {
  const plain = 'uid=0 gid=0 mode=0644 time=0.000000000\n';
  const ofDevice = (major: number, minor: number) => line(recordedEntry({ type: 'block', device: { major, minor } }));
  expect(ofDevice(4096, 0)).toBe(`./a type=block ${plain}`);
  expect(ofDevice(0, 2 ** 20)).toBe(`./a type=block ${plain}`);
  expect(line(recordedEntry({ type: 'symlink', target: '' }))).not.toContain('link=');
});

test('a time before 1970 is floored', () => {
  expect(line(recordedEntry({ mtime: { seconds: -2, nanos: 500_000_000 } }))).toContain(' time=-2.500000000 ');
});

test('every byte that is not visible, and every one with a meaning, is three octal digits', () => {
  expect(line(recordedEntry({ path: 'a \n\xe9\x7f\\#=*?[' }))).toMatch(
    /^\.\/a\\040\\012\\351\\177\\134\\043\\075\\052\\077\\133 /,
  );
  expect(line(recordedEntry({ path: '!"$%&\'()+,-./:;<>@]^_`{|}~' }))).toMatch(
    /^\.\/!"\$%&'\(\)\+,-\.\/:;<>@\]\^_`{\|}~ /,
  );
});

describe.skipIf(lacks('mtree', 'tar', XATTR_READER))('mtree (needs mtree, tar and perl)', () => {
  /** Exit code and text of `mtree -p`, which compares a tree with a record. */
  const compare = async (tree: string, record: Buffer) => {
    const spec = join(await temporaryFolder(), 'spec');
    await writeFile(spec, record);
    const { status, stdout, stderr } = spawnSync('mtree', ['-p', tree, '-f', spec], { encoding: 'latin1' });
    return { status, text: stdout + stderr };
  };

  test('has nothing to say about a tree with odd names and metadata', async () => {
    const tree = await oddTree(ODD_NAMES);
    const record = recordOf(recordedTree(await listTree(tree)));
    expect(await compare(tree, record)).toEqual({ status: 0, text: '' });
  });

  test.each([
    ['contents', 'modes/4755', (path: string) => writeFile(path, 'x')],
    ['a mode', 'modes/4755', (path: string) => chmod(path, 0o755)],
    ['a time', 'times/1700000000.000000001', (path: string) => utimes(path, 1_700_000_000, 1_700_000_000.001)],
    ['a link', 'types/empty', (path: string) => link(path, `${path}2`)],
    ['a target', 'links/0', (path: string) => rm(path).then(() => symlink('elsewhere', path))],
    ['a type', 'types/fifo', (path: string) => rm(path).then(() => mkdir(path))],
    ['a removed file', 'types/empty', (path: string) => rm(path)],
    ['an added file', 'types/added', (path: string) => writeFile(path, '')],
    ['an odd name', 'dirs/a -> b/added', (path: string) => writeFile(path, '')],
  ])('names what was tampered with: %s', async (_, name, tamper) => {
    const tree = await oddTree(['plain', 'a -> b']);
    const record = recordOf(recordedTree(await listTree(tree)));
    await tamper(join(tree, name));
    const { status, text } = await compare(tree, record);
    expect(status).toBe(2);
    expect(text).toContain(name);
  });

  test.skipIf(lacks('root'))('names what was tampered with: an owner and a device (needs root)', async () => {
    const tree = await oddTree(['plain']);
    const record = recordOf(recordedTree(await listTree(tree)));
    await chown(join(tree, 'types/empty'), 1, 1);
    await rm(join(tree, 'types/null'));
    await runCommand('mknod', ['-m', '666', join(tree, 'types/null'), 'c', '1', '5']);
    const { status, text } = await compare(tree, record);
    expect(status).toBe(2);
    expect(text).toMatch(/types\/empty: *\n?\s*user/);
    expect(text).toMatch(/types\/null: *\n?\s*device/);
  });

  test('takes the record of a tar without any entry', async () => {
    expect(await compare(await temporaryFolder(), recordOf([]))).toEqual({ status: 0, text: '' });
  });
});

test.skipIf(lacks('bsdtar', 'tar', XATTR_READER))(
  'bsdtar lists every name of the record, patterns too (needs bsdtar, tar and perl)',
  async () => {
    const entries = recordedTree(await listTree(await oddTree([...ODD_NAMES, ...PATTERNS])));
    const { stdout, stderr } = await runCommand('bsdtar', ['-tf', '-'], {
      input: recordOf(entries),
      env: { LC_ALL: 'C' },
    });
    expect(stderr).toBe('');
    const listed = stdout.toString('latin1').split('\n').slice(0, -1).map(withoutEscapes);
    const names = entries.map(({ path }) => (path.length === 0 ? '.' : `./${Buffer.from(path).toString('latin1')}`));
    expect(listed).toEqual(names);
  },
);

/** Undoes what bsdtar does to names that it lists. */
function withoutEscapes(text: string): string {
  const letters: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
  return text.replaceAll(/\\([0-7]{3}|.)/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (letters[code] ?? code),
  );
}
