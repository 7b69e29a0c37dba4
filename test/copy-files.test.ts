import { lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CopyOptions, copyFiles } from '#dimgx/copy-files.js';
import { dockerArchive } from './helpers/docker-archive.js';
import { flattenLayers } from './helpers/flatten-layers.js';
import { DIMGX } from './helpers/flatten-quietly.js';
import { archiveOf, temporaryFolder } from './helpers/members.js';
import { type RawEntry, rawLayer } from './helpers/raw-layer.js';
import { readTar } from './helpers/read-tar.js';
import { runCommand } from './helpers/run-command.js';
import { runDimgx } from './helpers/run-dimgx.js';
import { listTree } from './helpers/tree.js';

const LAYERS: readonly (readonly RawEntry[])[] = [
  [
    { name: 'etc/', type: '5', mode: 0o2755, mtime: 86_400 },
    { name: 'etc/key', content: 'secret', mode: 0o4750, uid: 7, mtime: 1000, pax: [['mtime', '1000.25']] },
    { name: 'etc/link', type: '2', link: '/etc/key' },
    { name: 'etc/same', type: '1', link: 'etc/key', mode: 0o4750, uid: 7, mtime: 1000, pax: [['mtime', '1000.25']] },
    { name: 'etc/pipe', type: '6' },
    { name: 'lib', type: '2', link: 'usr/lib' },
    { name: 'usr/lib/a.so', content: 'a' },
    { name: 'usr/lib/b.so', content: 'b' },
    { name: 'caf\xe9[1]*', content: 'odd' },
    { name: 'gone', content: 'hidden' },
  ],
  [{ name: '.wh.gone' }],
];

async function archive(): Promise<string> {
  const path = join(await temporaryFolder(), 'image.tar');
  await writeFile(path, await archiveOf(dockerArchive([{ layers: LAYERS.map((layer) => rawLayer(layer)) }])));
  return path;
}

const bytes = (text: string) => Buffer.from(text, 'latin1');

async function copied(paths: readonly string[], options: CopyOptions = {}, name = '') {
  const folder = await temporaryFolder();
  const result = await copyFiles(await archive(), paths.map(bytes), join(folder, name), options);
  return { folder, result, names: (await readdir(folder, { recursive: true, encoding: 'latin1' })).sort() };
}

describe('copies', () => {
  test('go into a directory, with permissions and times but without special bits', async () => {
    const { folder, names, result } = await copied(['/etc']);
    expect(names).toEqual(['etc', 'etc/key', 'etc/link', 'etc/same']);
    expect(result).toMatchObject({ files: 2, directories: 1, symlinks: 1, skipped: 1 });
    const key = await stat(join(folder, 'etc/key'));
    expect([key.mode & 0o7777, key.mtimeMs, key.uid, key.nlink]).toEqual([0o750, 1_000_250, process.getuid?.(), 2]);
    expect((await stat(join(folder, 'etc'))).mode & 0o7777).toBe(0o755);
    expect((await stat(join(folder, 'etc'))).mtimeMs).toBe(86_400_000);
    expect(await readlink(join(folder, 'etc/link'))).toBe('/etc/key');
  });

  test('follow symlinks on the way, and the last one only before a slash', async () => {
    expect((await copied(['/lib/a.so', '/lib'])).names).toEqual(['a.so', 'lib']);
    expect((await copied(['/lib/'])).names).toEqual(['lib', 'lib/a.so', 'lib/b.so']);
  });

  test.each([
    ...[
      'way/',
      'way//',
      './usr/../way/',
      'way',
      'way/.',
      'way/..',
      'way/./',
      'way/sub/../',
      'usr/lib/sub/..',
      'usr/..',
    ],
    ...['top/', 'top/.', 'u*', 'w*', 'usr/l*', 'one/', 'one'],
  ])('have the names that cp -r gives them: %s', async (paths) => {
    const entries: readonly RawEntry[] = [
      { name: 'usr/lib/a.so', content: 'a' },
      { name: 'usr/lib/sub/b.so', content: 'b' },
      { name: 'way', type: '2', link: 'usr/lib' },
      { name: 'one', type: '2', link: 'way' },
      { name: 'top', type: '2', link: '.' },
    ];
    const [root, theirs, ours] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()];
    const { tar } = await flattenLayers([entries]);
    await runCommand('tar', ['-xf', '-'], { cwd: root, input: tar });
    await runCommand('sh', ['-c', `cp -r ${paths} "$0"`, theirs], { cwd: root });
    const image = join(await temporaryFolder(), 'image.tar');
    await writeFile(image, await archiveOf(dockerArchive([{ layers: [rawLayer(entries)] }])));
    await copyFiles(image, paths.split(' ').map(bytes), ours);
    const namesIn = async (folder: string) => [...(await listTree(folder)).keys()];
    expect(await namesIn(ours)).toEqual(await namesIn(theirs));
  });

  test('of an empty path are refused', async () => {
    const refusal = { code: 'DIMGX_OPTION_INVALID', message: 'a path is empty: the root of the image is "/"' };
    await expect(copied([''])).rejects.toMatchObject(refusal);
    await expect(copied(['/etc', ''])).rejects.toMatchObject(refusal);
  });

  test('of what fits a pattern are those of a shell, and a name counts before a pattern', async () => {
    expect((await copied(['/usr/lib/*.so'])).names).toEqual(['a.so', 'b.so']);
    expect((await copied(['/caf\xe9[1]*'])).names).toEqual(['caf\xe9[1]*']);
    expect((await copied(['/**/?.so'], { parents: true })).names).toEqual([
      ...['usr', 'usr/lib', 'usr/lib/a.so', 'usr/lib/b.so'],
    ]);
  });

  test('of one path may have another name', async () => {
    const { folder } = await copied(['/etc/key'], {}, 'other');
    expect(await readFile(join(folder, 'other'), 'utf8')).toBe('secret');
  });

  test('of the root are what is in it', async () => {
    const { names } = await copied(['/']);
    expect(names.filter((name) => !name.startsWith('lib/'))).toEqual([
      ...['caf\xe9[1]*', 'etc', 'etc/key', 'etc/link', 'etc/same', 'lib', 'usr', 'usr/lib', 'usr/lib/a.so'],
      'usr/lib/b.so',
    ]);
  });

  test('of hidden files need their layer', async () => {
    await expect(copied(['/gone'])).rejects.toMatchObject({ code: 'DIMGX_PATH_HIDDEN' });
    await expect(copied(['/never'])).rejects.toMatchObject({ code: 'DIMGX_PATH_NOT_FOUND' });
    expect((await copied(['/gone'], { layers: ['@1'] })).names).toEqual(['gone']);
  });

  test('replace files only if that is asked for', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'key'), 'own');
    const copy = async (options: CopyOptions) => copyFiles(await archive(), [bytes('/etc/key')], folder, options);
    await expect(copy({})).rejects.toMatchObject({ code: 'DIMGX_TARGET_EXISTS' });
    expect(await readFile(join(folder, 'key'), 'utf8')).toBe('own');
    await copy({ force: true });
    expect(await readFile(join(folder, 'key'), 'utf8')).toBe('secret');
  });

  test('leave nothing behind if the layer is damaged', async () => {
    const path = await archive();
    const whole = await readFile(path);
    whole.set(Buffer.from('S'), whole.indexOf('secret'));
    await writeFile(path, whole);
    const folder = await temporaryFolder();
    const copying = copyFiles(path, [bytes('/etc')], folder);
    await expect(copying).rejects.toMatchObject({ code: 'DIMGX_IMAGE_DIGEST_MISMATCH' });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('dimgx cp', () => {
  test('refuses an empty path, as an unset variable of a shell gives it', async () => {
    const folder = await temporaryFolder();
    const { code, stderr } = await runDimgx('cp', await archive(), '', folder);
    expect([code, String(stderr)]).toEqual([1, expect.stringMatching(/^dimgx: DIMGX_USAGE: a path must not be empty/)]);
    expect(await readdir(folder)).toEqual([]);
  });

  test('writes a tar to standard output that has what flattening gives', async () => {
    const path = await archive();
    const to = join(await temporaryFolder(), 'flat.tar');
    const script = `"$@" cp "$IMAGE" /etc - > "$TO"`;
    await runCommand('sh', ['-c', script, 'sh', process.execPath, DIMGX], {
      env: { ...process.env, IMAGE: path, TO: to },
    });
    const { tar } = await flattenLayers(LAYERS, { paths: ['+/etc'] });
    expect(readTar(tar).map(({ name }) => name)).toContain('etc/key');
    expect((await readFile(to)).equals(tar)).toBe(true);
  });

  test('does not write through a symlink in the destination', async () => {
    const folder = await temporaryFolder();
    const outside = await temporaryFolder();
    await mkdir(join(folder, 'to'));
    await symlink(outside, join(folder, 'to/etc'));
    const { code, stderr } = await runDimgx('cp', '--force', await archive(), '/etc', join(folder, 'to'));
    expect([code, String(stderr)]).toEqual([2, expect.stringMatching(/^dimgx: DIMGX_TARGET_/)]);
    expect(await readdir(outside)).toEqual([]);
    expect((await lstat(join(folder, 'to/etc'))).isSymbolicLink()).toBe(true);
  });
});
