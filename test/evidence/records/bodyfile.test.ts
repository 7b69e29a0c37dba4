import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RecordedEntry, RecordedTime } from '#dimgx/evidence/recorded-entry.js';
import { bodyfileRecord } from '#dimgx/evidence/records/bodyfile.js';
import { lacks } from '../../helpers/engines.js';
import { temporaryFolder } from '../../helpers/members.js';
import { ODD_NAMES, oddTree, PATTERNS } from '../../helpers/odd-tree.js';
import { type RawEntry, rawLayer } from '../../helpers/raw-layer.js';
import { type RecordedChanges, recordedEntry, recordedTree } from '../../helpers/recorded-entry.js';
import { runCommand } from '../../helpers/run-command.js';
import { listTree } from '../../helpers/tree.js';
import { XATTR_READER } from '../../helpers/xattrs.js';

const { line } = bodyfileRecord();

/** The fields of an entry's line. */
const fieldsOf = (changes: RecordedChanges) => line(recordedEntry(changes)).split('|');
const nameOf = (changes: RecordedChanges) => fieldsOf(changes)[1];
const timesOf = (changes: RecordedChanges) => fieldsOf(changes).slice(7).join('|').trimEnd();
const at = (seconds: number, nanos = 0): RecordedTime => ({ seconds, nanos });

const hiddenBy = { layer: 3, how: 'removed', path: Buffer.from('a') } as const;

test('a file has a line', () => {
  const file = { path: 'usr/a b', mode: 0o4755, uid: 1000, gid: 50, size: 12, mtime: at(5, 6), origin: { inode: 7 } };
  expect(line(recordedEntry(file))).toBe('0|/usr/a b|7|r/rrwsr-xr-x|1000|50|12|0|5|0|0\n');
});

test('the root is /', () => {
  expect(nameOf({ path: '', type: 'directory' })).toBe('/');
});

test('a symlink shows its target', () => {
  expect(nameOf({ type: 'symlink', target: '../b|c' })).toBe('/a -> ../b%7Cc');
});

test('a hidden version is marked with its own layer', () => {
  expect(nameOf({ origin: { layer: 2, hiddenBy } })).toBe('/a (deleted @2)');
  expect(nameOf({ type: 'symlink', target: 'b', origin: { layer: 2, hiddenBy } })).toBe('/a -> b (deleted @2)');
});

test('a version that has a folder of its own in the tar of hidden versions is marked with its entry', () => {
  expect(nameOf({ origin: { layer: 2, entry: 7, hiddenBy } })).toBe('/a (deleted @2 entry 7)');
});

describe('names', () => {
  test.each([
    ['a backslash is doubled', 'a\\b\\', 'a\\\\b\\\\'],
    ['a percent sign and a bar are percent-encoded', '%41|%', '%2541%7C%25'],
    ['control characters of ASCII are escaped', '\n\r\t\x1b\x7f', '\\x0a\\x0d\\x09\\x1b\\x7f'],
    ['other control characters are escaped byte for byte', '\xc2\x85\xc2\x9b', '\\xc2\\x85\\xc2\\x9b'],
    [
      'characters that are not ASCII stand as they are',
      '\xc3\xa9\xe2\x80\xae\xf0\x9f\x98\x80',
      '\xc3\xa9\xe2\x80\xae\xf0\x9f\x98\x80',
    ],
    ['bytes that are not UTF-8 are escaped', 'caf\xe9\xff', 'caf\\xe9\\xff'],
    ['so are bytes of a surrogate', '\xed\xa0\x80', '\\xed\\xa0\\x80'],
    ['so are overlong forms', '\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf', '\\xc0\\xaf\\xe0\\x80\\xaf\\xf0\\x80\\x80\\xaf'],
    ['so is what is beyond Unicode', '\xf4\x90\x80\x80', '\\xf4\\x90\\x80\\x80'],
    ['so is the beginning of a character', '\xe2\x82', '\\xe2\\x82'],
  ])('%s', (_, path, shown) => {
    expect(nameOf({ path })).toBe(`/${shown}`);
  });
});

describe('times', () => {
  test('times that no header has are 0', () => {
    expect(timesOf({ mtime: at(5) })).toBe('0|5|0|0');
  });

  test('are whole seconds, floored', () => {
    const times = { atime: at(1, 999_999_999), mtime: at(-2, 500_000_000), ctime: at(3, 1), crtime: at(4, 5) };
    expect(timesOf(times)).toBe('1|-2|3|4');
  });

  test('the time of modification is 00 if all are 0', () => {
    expect(timesOf({ mtime: at(0, 1) })).toBe('0|00|0|0');
    expect(timesOf({ atime: at(0), ctime: at(0), crtime: at(0, 999_999_999) })).toBe('0|00|0|0');
    expect(timesOf({ ctime: at(1) })).toBe('0|0|1|0');
  });

  test('the time of creation is left out if all are before 1970 or too large for mactime', () => {
    expect(timesOf({ atime: at(-1), mtime: at(-2), ctime: at(2 ** 63), crtime: at(-4) })).toBe(`-1|-2|${2 ** 63}|0`);
    expect(timesOf({ atime: at(-1), mtime: at(-2), ctime: at(-3), crtime: at(4) })).toBe('-1|-2|-3|4');
    expect(timesOf({ atime: at(-1), mtime: at(0), ctime: at(-3), crtime: at(-4) })).toBe('-1|0|-3|-4');
  });
});

describe.skipIf(lacks('mactime', 'tar', XATTR_READER))('mactime (needs mactime, tar and perl)', () => {
  /** Lines of `mactime -d -y`, as fields. */
  const timeline = async (entries: readonly RecordedEntry[]) => {
    const path = join(await temporaryFolder(), 'body');
    await writeFile(path, entries.map(line).join(''), 'latin1');
    const { stdout } = await runCommand('mactime', ['-d', '-y', '-b', path]);
    const [, ...lines] = stdout.toString('latin1').split('\n').slice(0, -1);
    return lines.map((text) => {
      const [, fields = '', name = ''] = /^((?:[^,]*,){7})"(.*)"$/.exec(text) ?? [];
      const [date, size, kinds, mode, uid, gid, inode] = fields.split(',');
      return { date, size, kinds, mode, uid, gid, inode, name: withoutEscapes(name.replaceAll('""', '"')) };
    });
  };

  test('has every odd name, each as it is', async () => {
    const entries = recordedTree(await listTree(await oddTree([...ODD_NAMES, ...PATTERNS])));
    const found = new Set((await timeline(entries)).map(({ name }) => name));
    const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
    const names = entries.map(({ path, target }) => `/${latin1(path)}${target ? ` -> ${latin1(target)}` : ''}`);
    expect([...found].sort()).toEqual(names.sort());
  });

  test('shows each version of a path, with its own time and size', async () => {
    const versions = [1, 2, 3].map((layer) =>
      recordedEntry({
        size: layer,
        mtime: at(layer),
        origin: { layer, inode: layer, ...(layer < 3 && { hiddenBy: { ...hiddenBy, layer: layer + 1 } }) },
      }),
    );
    const modified = (await timeline(versions)).filter(({ kinds }) => kinds?.startsWith('m'));
    expect(modified.map(({ date, size, name }) => [date, size, name])).toEqual([
      ['1970-01-01T00:00:01Z', '1', '/a (deleted @1)'],
      ['1970-01-01T00:00:02Z', '2', '/a (deleted @2)'],
      ['1970-01-01T00:00:03Z', '3', '/a'],
    ]);
  });

  test('drops no line, whatever its times are', async () => {
    const times = [0, 0.5, -1, -1e12, 1e10, 2 ** 63, 1e19].map((time) => at(Math.floor(time)));
    const sets = times.flatMap((mtime) => [
      { mtime },
      { mtime, atime: mtime, ctime: mtime, crtime: mtime },
      { mtime, atime: at(-5), ctime: at(-5), crtime: at(-5) },
    ]);
    const entries = sets.map((set, i) => recordedEntry({ path: `a${i}`, ...set }));
    const found = new Set((await timeline(entries)).map(({ name }) => name));
    expect(found.size).toBe(sets.length);
  });
});

test.skipIf(lacks('fls', 'mke2fs', 'tar', 'root', XATTR_READER))(
  'fls prints the same for a disk with the same tree (needs fls, mke2fs, tar, root and perl)',
  async () => {
    const folder = await temporaryFolder();
    const [tree, disk] = [join(folder, 'tree'), join(folder, 'disk')];
    // every special bit with every three bits of permissions
    const modes = Array.from({ length: 64 }, (_, i) => ((i >> 3) << 9) | ((i & 7) * 0o111));
    const entries: readonly RawEntry[] = [
      ...modes.map(
        (mode, i): RawEntry => ({ name: `${i}`, mode, uid: i, gid: 2 * i, mtime: 3 * i, content: 'x'.repeat(i) }),
      ),
      { name: 'character', type: '3', device: [1, 3], mode: 0o666 },
      { name: 'block', type: '4', device: [7, 1], mode: 0o660 },
      { name: 'fifo', type: '6', mode: 0o600 },
      { name: 'directory', type: '5', mode: 0o3777 },
      { name: 'directory/link', type: '2', link: '../x y', mode: 0o777 },
    ];
    await mkdir(tree);
    await runCommand('tar', ['-xp', '--numeric-owner'], { cwd: tree, input: rawLayer(entries) });
    await writeFile(disk, '');
    await truncate(disk, 4 * 1024 * 1024);
    await runCommand('mke2fs', ['-q', '-t', 'ext4', '-d', tree, disk]);
    const { stdout } = await runCommand('fls', ['-r', '-m', '/', disk]);
    // a file's name, mode, owner, size and time; other sizes are of how ext4 stores them
    const shown = (text: string) => {
      const [, name = '', , mode = '', uid, gid, size, , mtime] = text.split('|');
      return [name, mode, uid, gid, mode.startsWith('r/') ? size : '', Number(mtime)].join(' ');
    };
    const ofDisk = stdout
      .toString()
      .split('\n')
      .filter((text) => text !== '' && !/lost\+found|OrphanFiles/.test(text));
    const ofRecord = recordedTree(await listTree(tree))
      .slice(1)
      .map(line);
    expect(ofRecord.map(shown).sort()).toEqual(ofDisk.map(shown).sort());
  },
);

/** Undoes what the record does to names, but for what mactime undoes. */
function withoutEscapes(name: string): string {
  return name.replaceAll(/\\(\\|x[0-9a-f]{2})/g, (_, code: string) =>
    code === '\\' ? code : String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  );
}
