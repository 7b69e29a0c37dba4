import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { flattenLayers } from '../helpers/flatten-layers.js';
import { temporaryFolder } from '../helpers/members.js';
import type { RawEntry } from '../helpers/raw-layer.js';
import { removeTree } from '../helpers/remove-tree.js';
import { runCommand } from '../helpers/run-command.js';
import { listTree } from '../helpers/tree.js';
import { unpack } from '../helpers/unpack.js';

const tarOf = async (entries: readonly RawEntry[]) => (await flattenLayers([entries])).tar;

const ODD = [
  '-',
  '--force',
  ' ',
  'a\nb',
  'a\rb',
  '\t',
  '*',
  '?',
  '[a]',
  '\\',
  '"',
  "'",
  '~',
  '%41',
  '|',
  '#',
  '\x01',
  '\x7f',
  '\xff\xfe',
  'caf\xe9',
  '\xe2\x80\xae',
  '...',
  ' x ',
  'a -> b',
  'y'.repeat(255),
  '\xe9'.repeat(255),
];

test('every byte of a name is kept', async () => {
  const dest = await temporaryFolder();
  const entries = ODD.flatMap((name): RawEntry[] => [
    { name: `${name}/${name}`, content: name },
    { name: `${name}/l`, type: '2', link: name },
    { name: `${name}/h`, type: '1', link: `${name}/${name}` },
  ]);
  await unpack(await tarOf(entries), { dest });
  const folders = await readdir(dest, 'latin1');
  expect(folders.sort()).toEqual([...ODD].sort());
  const tree = await listTree(dest);
  for (const name of ODD) {
    expect(tree.get(`${name}/l`)?.target).toBe(name);
    expect(tree.get(`${name}/${name}`)).toMatchObject({ type: 'file', size: `${name.length}` });
    expect(tree.get(`${name}/h`)?.sameFileAs).toBe([`${name}/${name}`, `${name}/h`].sort()[0]);
  }
});

test('one copy can be chosen by its name, and has it', async () => {
  const entries = ODD.flatMap((name) => [`d/${name}`, `d/${name.slice(0, 254)}x`].map((path) => ({ name: path })));
  const tar = await tarOf(entries);
  for (const name of ODD) {
    const dest = await temporaryFolder();
    await unpack(tar, { dest, sources: [`/d/${name}`] });
    expect(await readdir(dest, 'latin1')).toEqual([name]);
  }
});

test('a name that no file system can hold is a coded error', async () => {
  const dest = await temporaryFolder();
  await expect(
    unpack(await tarOf([{ name: 'd/ok' }, { name: `d/${'x'.repeat(256)}` }]), { dest }),
  ).rejects.toMatchObject({
    code: 'DIMGX_TARGET_UNWRITABLE',
    message: expect.stringMatching(/ cannot be written \(ENAMETOOLONG: name too long\): choose another place$/),
  });
  expect(await readdir(dest)).toEqual([]);
});

test('paths may be longer than the system takes, and few descriptors are open', async () => {
  const folder = await temporaryFolder();
  const long = Array.from({ length: 15 }, (_, i) => String.fromCharCode(97 + i).repeat(255)).join('/');
  const narrow = Array.from({ length: 1500 }, () => 'n').join('/');
  let dest = folder;
  for (let i = 0; i < 12; i++) dest = join(dest, 'd'.repeat(250));
  await mkdir(dest, { recursive: true });
  const entries = [long, narrow].flatMap((path): RawEntry[] => [
    { name: `${path}/file`, content: 'deep' },
    { name: `${path}/hard`, type: '1', link: `${path}/file` },
    { name: `${path}/soft`, type: '2', link: 'file' },
    { name: `${path.slice(0, path.length / 2).replace(/[^/]*$/, '')}zz`, type: '1', link: `${path}/file` },
  ]);
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const before = existsSync('/proc/self/fd') ? descriptors() : 0;
  let most = before;
  const onPiece = () => {
    if (before > 0) most = Math.max(most, descriptors());
  };
  try {
    expect(await unpack(await tarOf(entries), { dest, piece: 4096, onPiece })).toMatchObject({ files: 6, symlinks: 2 });
    const { stdout } = await runCommand('find', ['.', '!', '-type', 'd', '-printf', '%y %n %d\\n'], { cwd: dest });
    expect(String(stdout).split('\n').sort()).toEqual(
      ['', 'f 3 16', 'f 3 16', 'f 3 8', 'f 3 1501', 'f 3 1501', 'f 3 750', 'l 1 16', 'l 1 1501'].sort(),
    );
    expect(most - before).toBeLessThan(50);
    if (before > 0) expect(descriptors()).toBeLessThanOrEqual(before);
  } finally {
    await removeTree(dest); // Node cannot
  }
});
