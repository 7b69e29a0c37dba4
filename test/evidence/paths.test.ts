import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import type { DimgxError } from '#dimgx/errors.js';
import { openTree } from '#dimgx/tree.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { lacks } from '../helpers/engines.js';
import { temporaryFolder, writeArchive } from '../helpers/members.js';
import { type RawEntry, rawLayer } from '../helpers/raw-layer.js';
import { removeTree } from '../helpers/remove-tree.js';
import { ROOT_READER, readInRoot } from '../helpers/resolve-in-root.js';
import { runCommand, runShell } from '../helpers/run-command.js';
import { runScript } from '../helpers/run-script.js';

const chain = (name: string, links: number): RawEntry[] =>
  Array.from({ length: links }, (_, i) => ({
    name: `${name}${i}`,
    type: '2',
    link: i === 0 ? 'etc/key' : `${name}${i - 1}`,
  }));

const longest = Array.from({ length: 15 }, (_, i) => String.fromCharCode(97 + i).repeat(255)).join('/');

const ENTRIES: readonly RawEntry[] = [
  { name: 'etc/', type: '5', mode: 0o755 },
  { name: 'etc/key', content: 'secret' },
  { name: 'etc/deep/er/file', content: 'deep' },
  { name: 'link', type: '2', link: 'etc/key' },
  { name: 'absolute', type: '2', link: '/etc//./key' },
  { name: 'slash', type: '2', link: 'etc/' },
  { name: 'file-slash', type: '2', link: 'etc/key/' },
  { name: 'outside', type: '2', link: '../../../../etc/key' },
  { name: 'deep', type: '2', link: 'etc/deep/er' },
  { name: 'root', type: '2', link: '/' },
  { name: 'here', type: '2', link: '.' },
  { name: 'dangling', type: '2', link: 'nothing' },
  { name: 'self', type: '2', link: 'self' },
  { name: 'one', type: '2', link: 'other' },
  { name: 'other', type: '2', link: '/one' },
  { name: 'inside', type: '2', link: 'inside/in' },
  { name: 'pipe', type: '6', mode: 0o600 },
  { name: '...', content: 'three' },
  { name: 'a b\\', content: 'odd' },
  { name: 'caf\xe9', content: 'latin-1' },
  ...chain('chain', 41),
  { name: longest.slice(0, -1), content: 'long' },
];

const PATHS: readonly string[] = [
  ...['etc/key', '/etc/key', '//etc//key', '/./etc/./key', 'etc/../etc/key', '/../../etc/key', '/etc/deep/../key'],
  ...['/etc/key/', '/etc/key/.', '/etc/key/..', '/etc/key/../key', '/etc/key//', '/etc/nothing', '/etc/nothing/..'],
  ...['/nothing/../etc/key', '/', '//', '.', '..', '/..', '/etc', '/etc/', '/etc/.', '/etc/..', '/etc/deep/er/..'],
  ...['link', 'link/', 'link/.', 'absolute', 'slash', 'slash/key', 'slash/../etc/key', 'file-slash', 'outside'],
  ...['deep/file', 'deep/..', 'deep/../../key', 'deep/../er/file', 'root/etc/key', 'root/root/../etc/key'],
  ...['here/here/here/etc/key', 'dangling', 'dangling/', 'dangling/x', 'self', 'self/', 'self/x', 'one', 'other/x'],
  ...['inside', 'inside/x', 'pipe', 'pipe/', 'chain38', 'chain39', 'chain40', 'here/chain38', 'here/chain39', '...'],
  ...[
    'here/chain39/',
    '/.../',
    'a b\\',
    'caf\xe9',
    'caf\xe9/',
    'CAF\xe9',
    'etc/KEY',
    'etc/key\n',
    longest,
    `${longest}/`,
  ],
  ...[longest.slice(0, -1), `/${longest.slice(0, -1)}/`, `${'a'.repeat(255)}/../etc/key`, `${'a'.repeat(254)}/x`],
];

/** What dimgx says where the kernel has another word for it. */
const CODES: Readonly<Record<string, string>> = {
  ENOENT: 'DIMGX_PATH_NOT_FOUND',
  ENOTDIR: 'DIMGX_PATH_NOT_FOUND',
  ELOOP: 'DIMGX_PATH_LOOP',
  EISDIR: 'DIMGX_PATH_NOT_FILE',
  'no file': 'DIMGX_PATH_NOT_FILE',
};

const archive = () => writeArchive(dockerArchive([{ layers: [rawLayer(ENTRIES)] }]));

test.skipIf(lacks('root', 'tar', ROOT_READER))(
  'every path leads where the kernel takes it in a container (needs root, tar and perl)',
  async () => {
    const root = join(await temporaryFolder(), 'root');
    await mkdir(root);
    await runCommand('tar', ['-x', '--warning=no-timestamp'], { cwd: root, input: rawLayer(ENTRIES) });
    const found = await readInRoot(root, PATHS);
    const tree = await openTree(await archive());
    try {
      for (const [i, path] of PATHS.entries()) {
        const read = async () => `=${await text(await tree.read(Buffer.from(path, 'latin1')))}`;
        const own = await read().catch((error: unknown) => (error as DimgxError).code);
        expect({ path, own }).toEqual({ path, own: CODES[found[i] as string] ?? found[i] });
      }
    } finally {
      await tree.close();
    }
  },
);

test('a path of 4095 bytes, each name as long as names may be, is listed, printed and copied', async () => {
  const names = Array.from({ length: 16 }, (_, i) => String.fromCharCode(0xe0 + i).repeat(255));
  const path = names.join('/');
  const image = await writeArchive(dockerArchive([{ layers: [rawLayer([{ name: path, content: 'long' }])] }]));
  const folder = await temporaryFolder();
  const shell = (script: string) => runScript(`path=$(printf "$3")\n${script}`, image, folder, octal(path));
  const ended = async (script: string) => {
    const { code, stdout, stderr } = await shell(script);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout.toString('latin1');
  };
  try {
    expect(await ended('dimgx ls -q --null "$1" "$path"')).toBe(`/${path}\0`);
    expect(await ended('dimgx ls --null --recursive "$1" | tail -z -n 1')).toBe(`/${path}\0`);
    expect(await ended('dimgx cat "$1" "$path"')).toBe('long');
    expect(await ended('dimgx history "$1" "$path" | wc -l')).toBe('1\n');
    expect(await ended('dimgx cp "$1" "$path" - | tar --null -xO')).toBe('long');
    expect(await ended('dimgx cp "$1" "$path" "$2" && cat "$2/"*')).toBe('long');
    await ended('mkdir "$2/parents" && dimgx cp --parents "$1" "$path" "$2/parents" && dimgx cp "$1" / "$2/all"');
    for (const copies of ['parents', 'all']) {
      const { stdout } = await runShell('find . -type f -printf "%p\\0" -execdir cat {} +', {
        cwd: join(folder, copies),
      });
      expect(stdout.toString('latin1')).toBe(`./${path}\0long`);
    }
  } finally {
    await removeTree(folder);
  }
});

/** Bytes as escapes of `printf`: an argument of bytes that are not UTF-8 cannot be passed by Node. */
function octal(bytes: string): string {
  return Array.from(bytes, (byte) => `\\${byte.charCodeAt(0).toString(8)}`).join('');
}
