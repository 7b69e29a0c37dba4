import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { imageIdOf, layerOf } from '../../helpers/built-image.js';
import { dockerArchive } from '../../helpers/docker-archive.js';
import { expectRefusalAtEveryDoor } from '../../helpers/every-door.js';
import { archiveOf, type Members, temporaryFolder, writeArchive, writeFolder } from '../../helpers/members.js';
import { ociLayout } from '../../helpers/oci-layout.js';
import { opened, refusal } from '../../helpers/opened.js';
import { rawEntry } from '../../helpers/raw-tar.js';
import { runCommand } from '../../helpers/run-command.js';

const app = { tags: ['app:1'], layers: [await layerOf({ a: 'one' })] };
const image = dockerArchive([app]);
const layout = ociLayout([app]);
const archive = await archiveOf(image);
const folder = { type: 'directory' } as const;

function below(prefix: string, members: Members): Record<string, string | Uint8Array> {
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [`${prefix}/${name}`, member]));
}

const ROOTS: readonly (readonly [string, Members])[] = [
  ['docker export', { '.dockerenv': '', 'bin/': folder, 'etc/passwd': 'x', 'usr/bin/env': 'x' }],
  ['tar of the folder', { './': folder, './bin/': folder, './bin/sh': 'x' }],
  ['a flat tar', { 'usr/bin/env': 'x', app: 'y' }],
  ['a filesystem in which a program has a manifest.json', { 'bin/sh': 'x', 'usr/x': 'x', 'app/manifest.json': '{}' }],
  ['a filesystem that holds archives', { 'bin/sh': 'x', 'etc/x': 'x', 'image.tar': archive }],
  ['Windows', { 'Files/Windows/x': 'x', 'Hives/Sam_Base': 'x' }],
];

const SAYS_FLAT = /is a root filesystem \(rootfs\).*flat/;

describe('a root filesystem is called so', () => {
  test.each(ROOTS)('%s in an archive', async (_, members) => {
    await expectRefusalAtEveryDoor(await archiveOf(members), 'DIMGX_SOURCE_NOT_AN_IMAGE', { saying: SAYS_FLAT });
    expect((await refusal(await writeArchive(members))).message).toContain('extract it with tar');
  });

  test.each(ROOTS)('%s in a directory', async (_, members) => {
    const path = await writeFolder(members);
    for (const prefix of ['', 'dir:', 'oci:'])
      expect(await refusal(`${prefix}${path}`)).toMatchObject({
        code: 'DIMGX_SOURCE_NOT_AN_IMAGE',
        message: `${path} is a root filesystem (rootfs), not an image: it is flat and unpacked already`,
      });
  });

  test('a layer with whiteouts', async () => {
    const path = await writeArchive({ '.wh.gone': '', app: 'x' });
    expect((await refusal(path)).message).toContain('or a single layer, not an image');
  });

  test.each([
    ['usr', SAYS_FLAT],
    ['data', /too many members .*; if it is a root filesystem already, as from docker export, extract it with tar$/],
  ])('more members below %s than an image has', async (top, says) => {
    const path = join(await temporaryFolder(), 'many.tar');
    await writeFile(path, Buffer.alloc(512 * 100_001, rawEntry({ name: `${top}/x`, type: '5' })));
    expect(await refusal(path)).toMatchObject({
      code: 'DIMGX_SOURCE_NOT_AN_IMAGE',
      message: expect.stringMatching(says),
    });
  });
});

describe('a folder around an image is named, and what is offered reads it', () => {
  test.each([
    ['an archive of docker save', 'img', image],
    ['a layout', 'img', layout],
    ['a layout, deep down', 'home/me/my img', layout],
  ])('%s in %s', async (_, prefix, members) => {
    const directory = await writeFolder(below(prefix, members));
    const word = (path: string) => (path.includes(' ') ? `'${path}'` : path);
    expect(await refusal(directory)).toMatchObject({
      code: 'DIMGX_SOURCE_NOT_AN_IMAGE',
      message: `${directory} holds no image at its top, but in its folder "${prefix}": use dimgx ${word(`${directory}/${prefix}`)}`,
    });
    expect((await opened(`${directory}/${prefix}`)).id).toBe(imageIdOf(app));

    const path = await writeArchive(below(prefix, members));
    expect((await refusal(path)).message).toBe(
      `${path} holds no image at its top, but in its folder "${prefix}": unpack it with tar -xf, and use dimgx ${word(`./${prefix}`)}`,
    );
    await runCommand('tar', ['-xf', path, '-C', join(path, '..')]);
    expect((await opened(join(path, '..', prefix))).id).toBe(imageIdOf(app));
  });

  test('several are listed', async () => {
    const path = await writeFolder({ ...below('a', image), ...below('b', layout) });
    expect((await refusal(path)).message).toMatch(/in its folders ("a", "b"|"b", "a"): use/);
  });

  test('a folder far down, or one of very many, is not looked for', async () => {
    expect((await refusal(await writeArchive(below('a/b/c/d', image)))).message).toContain('but "a"');
    const many = Array.from({ length: 500 }, (_, at) => [`x${at}/y`, ''] as const);
    expect((await refusal(await writeArchive([...many, ...Object.entries(below('z', image))]))).message).toMatch(
      /and 498 more/,
    );
  });
});

describe('an archive in an archive is named', () => {
  test.each([
    ['image.tar', 'README'],
    ['image.tgz', 'README'],
    ['image', undefined],
  ])('%s', async (name, beside) => {
    const members = { [name]: archive, ...(beside && { [beside]: '' }) };
    const path = await writeArchive(members, 'outer.tar');
    const what = `is not an image, but holds an archive, "${name}"`;
    expect(await refusal(path)).toMatchObject({
      code: 'DIMGX_SOURCE_NOT_AN_IMAGE',
      message: `${path} ${what}: unpack it with tar -xf, and use dimgx ./${name}`,
    });
    const directory = await writeFolder(members);
    expect((await refusal(directory)).message).toBe(`${directory} ${what}: use dimgx ${directory}/${name}`);
  });

  test('only if it is one', async () => {
    expect((await refusal(await writeArchive({ 'image.tar': 'no' }))).message).toContain('holds no image: ');
  });
});

describe('an image in another form than the prefix says: the right prefix is offered, and reads it', () => {
  const dirForm = {
    'manifest.json': '{"schemaVersion":2,"config":{"digest":"sha256:0"},"layers":[]}',
    version: 'Directory Transport Version: 1.1\n',
  };
  test.each([
    ['oci', image, 'docker-archive', 'docker-archive'],
    ['oci-archive', image, 'docker-archive', 'docker-archive'],
    ['dir', image, 'docker-archive', 'docker-archive'],
    ['docker-archive', layout, 'oci-archive', 'oci'],
    ['dir', layout, 'oci-archive', 'oci'],
  ])('%s', async (prefix, members, ofFile, ofFolder) => {
    for (const [path, form] of [
      [await writeArchive(members), ofFile],
      [await writeFolder(members), ofFolder],
    ] as const) {
      expect(await refusal(`${prefix}:${path}`)).toMatchObject({
        code: 'DIMGX_SOURCE_NOT_AN_IMAGE',
        message: `${path} holds an image in a different form than its prefix says: write ${form}:${path}, or the path alone`,
      });
      for (const right of [`${form}:${path}`, path]) expect((await opened(right)).id).toBe(imageIdOf(app));
    }
  });

  test('dir', async () => {
    const path = await writeFolder(dirForm);
    expect((await refusal(`oci:${path}`)).message).toContain(`write dir:${path}, or`);
  });
});

test.each<[string, Members, string]>([
  ['a bundle', { 'rootfs/bin/sh': 'x', 'config.json': '{}' }, 'is a bundle for a runtime: its folder "rootfs" is flat'],
  ["Docker's storage", { 'overlay2/x': '', 'image/x': '' }, "is Docker's own storage: write docker-root:DIR"],
  ["Podman's storage", { 'overlay-images/x': '', 'overlay/x': '' }, "is Podman's own storage"],
  ['blobs alone', { 'blobs/sha256/00': 'x' }, 'has blobs, but no index.json and no manifest.json'],
  ['a build context', { Dockerfile: 'FROM x', 'src/x': '' }, 'is a build context: build the image'],
  ['anything else', { a: 'x', b: '', c: '', d: '' }, 'repositories at its top, but'],
])('a directory or an archive that is %s is called so', async (_, members, says) => {
  for (const path of [await writeFolder(members), await writeArchive(members)]) {
    const { code, message } = await refusal(path);
    expect(code).toBe('DIMGX_SOURCE_NOT_AN_IMAGE');
    expect(message).toContain(says);
  }
});

test('a directory without anything is called empty', async () => {
  const path = await writeFolder({});
  expect((await refusal(path)).message).toBe(`${path} is an empty directory: no image is in it`);
});

test('names are shown without what would drive a terminal', async () => {
  const names = { 'a\x1b[2J': 'x', '\u202eb': 'y' };
  expect((await refusal(await writeArchive(names))).message).toMatch(/^[ -~]+$/);
  const around = below('x\x1b[2J\n', image);
  for (const path of [await writeArchive(around), await writeFolder(around)])
    expect((await refusal(path)).message).toMatch(/^[ -~]+$/);
});
