import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dockerArchive } from '../helpers/docker-archive.js';
import { flattenLayers, type LayerSpec } from '../helpers/flatten-layers.js';
import { archiveOf, temporaryFolder } from '../helpers/members.js';
import { type RawEntry, rawLayer } from '../helpers/raw-layer.js';
import { readTar } from '../helpers/read-tar.js';
import { runDimgx } from '../helpers/run-dimgx.js';

const LAYER: readonly RawEntry[] = [
  { name: 'etc/', type: '5', mode: 0o750 },
  { name: 'etc/passwd', content: 'users' },
  { name: 'etc/ssl/', type: '5' },
  { name: 'etc/ssl/key', content: 'secret' },
  { name: 'usr/bin/a', content: 'program' },
  { name: 'usr/bin/b', type: '1', link: 'usr/bin/a' },
  { name: 'usr/share/doc/a', content: 'words' },
];

async function namesWith(paths: readonly string[], layers: readonly LayerSpec[] = [LAYER]) {
  const { tar, codes } = await flattenLayers(layers, { paths });
  return { names: readTar(tar).map(({ name }) => name.replace(/\/$/, '')), codes };
}

describe('of several rules the last that fits counts', () => {
  test.each<[readonly string[], readonly string[]]>([
    [['+/etc/passwd'], ['etc', 'etc/passwd']],
    [
      ['+etc', '-etc/ssl'],
      ['etc', 'etc/passwd'],
    ],
    [
      ['-etc', '+etc/ssl/key'],
      [
        'etc',
        'etc/ssl',
        'etc/ssl/key',
        'usr',
        'usr/bin',
        'usr/bin/a',
        'usr/bin/b',
        'usr/share',
        'usr/share/doc',
        'usr/share/doc/a',
      ],
    ],
    [
      ['+**/a', '-usr/share'],
      ['usr', 'usr/bin', 'usr/bin/a'],
    ],
    [['-usr', '-etc/**'], ['etc']],
    [['-/'], []],
  ])('%j', async (paths, names) => {
    expect(await namesWith(paths)).toEqual({ names, codes: [] });
  });
});

test('directories above what is kept keep their attributes', async () => {
  const { tar } = await flattenLayers([LAYER], { paths: ['+etc/passwd'] });
  expect(readTar(tar)[0]?.fields.mode).toBe('0750');
});

test('the first name that is kept of a hard-linked file has its contents', async () => {
  const { tar } = await flattenLayers([LAYER, [{ name: 'usr/bin/c', type: '1', link: 'usr/bin/b' }]], {
    paths: ['+usr/bin', '-usr/bin/a'],
  });
  const files = readTar(tar).filter(({ type }) => type !== '5');
  expect(files.map(({ name, type, link }) => [name, type, link])).toEqual([
    ['usr/bin/b', '0', ''],
    ['usr/bin/c', '1', 'usr/bin/b'],
  ]);
});

test('a whiteout of a path that is left out still counts', async () => {
  const layers = [LAYER, [{ name: 'etc/.wh.ssl' }, { name: 'etc/.wh.passwd' }]];
  expect((await namesWith(['+etc'], layers)).names).toEqual(['etc']);
});

test('a pattern that fits nothing is told', async () => {
  const { names, codes } = await namesWith(['+etc/passwd', '-etc/shadow']);
  expect({ names, codes }).toEqual({ names: ['etc', 'etc/passwd'], codes: ['DIMGX_PATH_UNMATCHED'] });
});

test('those who want to know are told what is left out', async () => {
  const skipped: string[] = [];
  await flattenLayers([LAYER], {
    paths: ['-usr', '-etc/ssl'],
    onEntry: ({ action, path, reason }) => void (action === 'skip' && skipped.push(`${path} ${reason}`)),
  });
  const left = ['etc/ssl', 'etc/ssl/key', 'usr/bin/a', 'usr/bin/b', 'usr/share/doc/a'];
  expect(skipped.sort()).toEqual(left.map((path) => `${path} as its path is not asked for`));
});

test.each(['etc', '', '+', '-a/../b'])('the rule %j is refused', async (rule) => {
  await expect(namesWith([rule])).rejects.toMatchObject({ code: 'DIMGX_OPTION_INVALID' });
});

test('the order of both options counts on the command line', async () => {
  const folder = await temporaryFolder();
  const image = join(folder, 'image.tar');
  await writeFile(image, await archiveOf(dockerArchive([{ layers: [rawLayer(LAYER)] }])));
  const entriesWith = async (...args: readonly string[]) => {
    const { stdout, stderr } = await runDimgx(...args, '--json', '-wt', join(folder, 'flat.tar'), image);
    expect(stderr).toBe('');
    return JSON.parse(stdout).entries;
  };
  expect(await entriesWith('--include=/etc', '--exclude', '/etc/ssl')).toBe(2);
  expect(await entriesWith('--exclude', '/etc/ssl', '--include=/etc')).toBe(11);
  expect(await entriesWith('--exclude=/etc', '--include=/etc/ssl/key', '--exclude=/usr')).toBe(3);
});
