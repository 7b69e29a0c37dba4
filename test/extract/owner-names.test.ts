import { execFileSync } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { flatten } from '#dimgx/flatten.js';
import { docker25Archive } from '../helpers/docker-archive.js';
import { whyNotHere } from '../helpers/engines.js';
import { flattenLayers } from '../helpers/flatten-layers.js';
import { archiveOf, temporaryFolder } from '../helpers/members.js';
import { type RawEntry, rawLayer } from '../helpers/raw-layer.js';
import { readTar } from '../helpers/read-tar.js';

const owners = ['daemon', 'mail'] as const;

const unnamed = ({ owners: _, ...entry }: RawEntry): RawEntry => entry;

/** One of each type, and of each form of its headers, in the order of the output. */
const ENTRIES: readonly RawEntry[] = [
  { name: 'device', type: '3', device: [1, 3], owners },
  { name: 'directory/', type: '5', mode: 0o755, owners },
  { name: 'directory/gnu', magic: 'gnu', content: 'gnu', owners },
  { name: 'directory/group', content: 'x', owners: ['', 'mail'] },
  { name: 'directory/long', content: 'x', owners: ['u'.repeat(32), 'g'.repeat(32)] },
  { name: 'directory/nobody', content: 'x' },
  { name: 'directory/odd', content: 'x', owners: ['\xff\xfe', '\x80'] },
  { name: 'file', content: 'file', uid: 777, gid: 777, owners },
  { name: 'link', type: '1', link: 'file', uid: 777, gid: 777, owners },
  { name: 'n'.repeat(150), content: 'x', owners },
  { name: 'sparse', type: 'S', magic: 'gnu', content: 'abc', sparse: { map: [[1000, 3]], size: 5000 }, owners },
  { name: 'symlink', type: '2', link: 'file', owners },
  { name: 'time', content: 'x', owners, pax: [['mtime', '1.5']] },
];

test('are emptied in every header, and no other byte changes', async () => {
  const { tar, codes } = await flattenLayers([ENTRIES]);
  expect(tar.equals(rawLayer(ENTRIES.map(unnamed)))).toBe(true);
  expect(codes).toEqual(['DIMGX_ENTRY_SPARSE']);
});

test('are emptied in the headers of several layers, and in those that are written anew', async () => {
  const below = ENTRIES.map((entry) => ({ ...entry, mtime: 7 }));
  const above: readonly RawEntry[] = [{ name: '.wh.device' }, { name: '.wh.file' }, { name: './new', owners }];
  const layers = [below, ENTRIES.slice(2, 6), above];
  const { tar } = await flattenLayers(layers);
  expect(tar.equals((await flattenLayers(layers.map((layer) => layer.map(unnamed)))).tar)).toBe(true);
  expect(readTar(tar).map(({ name, type }) => [name, type])).toContainEqual(['link', '0']);
  expect([tar.includes('daemon'), tar.includes('mail')]).toEqual([false, false]);
});

test.each([0, 100, 512, 1500, 300_000])(
  'are emptied between files of %d bytes, however long the layer is',
  async (size) => {
    const count = size === 0 ? 9000 : Math.max(20, Math.ceil(5_000_000 / (size + 512)));
    const content = 'c'.repeat(size);
    const layer = Array.from({ length: count }, (_, i): RawEntry => ({ name: `f${10_000 + i}`, content, owners }));
    const { tar } = await flattenLayers([layer, [{ name: '.wh.f10007' }]]);
    expect(tar.equals(rawLayer(layer.filter((_, i) => i !== 7).map(unnamed)))).toBe(true);
  },
);

test('are emptied in a compressed layer', async () => {
  const layer = Array.from({ length: 9000 }, (_, i): RawEntry => ({ name: `f${10_000 + i}`, content: 'x', owners }));
  const folder = await temporaryFolder();
  const archive = docker25Archive([{ layers: [rawLayer(layer)] }], { gzip: true });
  await writeFile(join(folder, 'image.tar'), await archiveOf(archive));
  await flatten(join(folder, 'image.tar'), join(folder, 'flat.tar'));
  expect((await readFile(join(folder, 'flat.tar'))).equals(rawLayer(layer.map(unnamed)))).toBe(true);
});

test.each(['linux', 'windows'])('in PAX records are dropped without a warning, in an image for %s', async (os) => {
  const pax = [
    ['uname', 'daemon'],
    ['SCHILY.xattr.user.a', '1'],
    ['gname', '\xc3\xa9'],
  ] as const;
  const { tar, codes } = await flattenLayers([[{ name: 'a', content: 'x', uid: 777, pax, owners }]], { os });
  const [entry] = readTar(tar);
  expect(entry?.fields).toMatchObject({ owner: '777:0', xattrs: 'user.a=0x31' });
  expect([tar.includes('name='), tar.includes('daemon'), codes]).toEqual([false, false, []]);
});

test('are left alone in old headers, where no reader looks for them', async () => {
  const old: readonly RawEntry[] = [{ name: 'a', magic: 'v7', content: 'x', owners }];
  expect((await flattenLayers([old])).tar.equals(rawLayer(old))).toBe(true);
});

describe.each([
  ['GNU tar', 'tar'],
  ['bsdtar', 'bsdtar'],
])('%s, run by root', (_, command) => {
  const why = whyNotHere('root', command);

  test.skipIf(why !== '')(`goes by the numbers${why}`, async () => {
    const folder = await temporaryFolder();
    const { tar } = await flattenLayers([ENTRIES]);
    await writeFile(join(folder, 'flat.tar'), tar);
    await mkdir(join(folder, 'out'));
    execFileSync(command, ['-xpf', '../flat.tar'], { cwd: join(folder, 'out') });
    const { uid, gid } = await stat(join(folder, 'out', 'file'));
    expect([uid, gid]).toEqual([777, 777]);
  });
});
