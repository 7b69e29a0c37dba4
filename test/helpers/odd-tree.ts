import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from './members.js';
import { type RawEntry, rawLayer } from './raw-layer.js';
import { runCommand } from './run-command.js';

const utf8 = (text: string) => Buffer.from(text).toString('latin1');

/** Patterns: some programs that read lists of names cannot tell them from names. */
export const PATTERNS = ['*', '?', '[a]', 'x*y', '[', '\\*'] as const;

/** Names that lists of names must escape, or that look as if they were escaped. One character is one byte. */
export const ODD_NAMES: readonly string[] = [
  ...['|', 'a|b', '%', '%41', '%7C', '\n', 'line\nbreak', 'cr\rcr', 'tab\ttab', '\\', '\\\\', 'back\\slash', 'a\\'],
  ...['\\n', '\\x41', '\\012', "'", '"', 'say "hi"', '$(id)', '`id`', '#', '#a', '=', 'a=b', ' ', ' blanks ', 'a  b'],
  ...['-', '--help', '~', '!', '.hidden', '..a', '...', 'a,b', '{a,b}', ':', 'C:\\x', '@1', 'set', 'a -> b'],
  ...['a (deleted @1)', '\x1b[31mred\x1b[0m', '\x1b]0;title\x07', '\x01', '\x07', '\x0b\x0c', '\x7f'],
  ...['\xe9', 'caf\xe9', '\xff\xfe', '\xc0\xaf', '\xed\xa0\x80', '\xf5\x80\x80\x80', '\xe2\x82', '\x80'],
  ...['café', 'e\u0301', '日本', '😀', '\u0085', '\u009b31m', '\u00ad', '\u200f', '\u202egpj.exe'].map(utf8),
  ...['\u2028', '\ufeff'].map(utf8),
  ...['n'.repeat(255), '\xe9'.repeat(255)],
];

/** Whole seconds and nanoseconds, as a PAX record has them. */
const TIMES = [
  '0',
  '-1.5',
  '-0.000000001',
  '-86400',
  '0.5',
  '1',
  '2147483648',
  '4102444800.123456789',
  '1700000000.000000001',
];

/** What only root can make. */
const DEVICES: readonly RawEntry[] = [
  { name: 'types/null', type: '3', device: [1, 3], mode: 0o666 },
  { name: 'types/disk', type: '4', device: [259, 70_000], mode: 0o660, uid: 1234, gid: 4_000_000_000 },
];

/** The entries of a tar that has each name as a name of files and directories and as a target, and odd metadata. */
const oddEntries = (names: readonly string[]): readonly RawEntry[] => [
  { name: './', type: '5', mode: 0o755, mtime: 1_600_000_000 },
  ...names.flatMap((name, i): RawEntry[] => [
    { name: `./${name}`, content: `contents ${i}`, mtime: 1_700_000_000 + i },
    { name: `dirs/${name}/`, type: '5', mode: 0o755, mtime: 1_000_000_000 },
    { name: `dirs/${name}/${name}`, mtime: 1_000_000_000 },
    { name: `links/${i}`, type: '2', link: name, mtime: 1_000_000_000 },
    { name: `links/${name}.hard`.slice(0, 261), type: '1', link: `./${name}` },
  ]),
  ...TIMES.map((time): RawEntry => ({ name: `times/${time}`, pax: [['mtime', time]] })),
  ...[0o400, 0o4755, 0o2755, 0o1777, 0o4644, 0o2604, 0o1600, 0o7777].map(
    (mode): RawEntry => ({ name: `modes/${mode.toString(8)}`, mode }),
  ),
  { name: 'modes/directory/', type: '5', mode: 0o3777 },
  { name: 'types/fifo', type: '6', mode: 0o600 },
  { name: 'types/empty', uid: 4_294_967_294, gid: 100_000 },
  { name: `${Array.from({ length: 14 }, () => '\xe8'.repeat(255)).join('/')}/deep`, content: 'deep' },
  ...(process.getuid?.() === 0 ? DEVICES : []),
];

/** A tree with odd names and metadata, extracted by GNU tar into a folder that is removed when the test is over. */
export async function oddTree(names: readonly string[]): Promise<string> {
  const root = join(await temporaryFolder(), 'root');
  await mkdir(root);
  await runCommand('tar', ['-xp', '--numeric-owner', '--delay-directory-restore', '--warning=no-timestamp'], {
    cwd: root,
    input: rawLayer(oddEntries(names)),
  });
  return root;
}
