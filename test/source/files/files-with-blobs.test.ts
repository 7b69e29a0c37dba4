import { mkdir, rename, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listImages } from '#dimgx/source/list-images.js';
import { configOf, gzipped, layerOf, sha256 } from '../../helpers/built-image.js';
import { docker25Archive, dockerArchive } from '../../helpers/docker-archive.js';
import { flattenedFiles } from '../../helpers/flattened-files.js';
import { type Member, temporaryFolder, writeArchive, writeFolder } from '../../helpers/members.js';
import { ociLayout } from '../../helpers/oci-layout.js';
import { opened, refusal } from '../../helpers/opened.js';
import { runCommand } from '../../helpers/run-command.js';
import { callDimgx } from '../../helpers/shared-dimgx.js';

const layer = await layerOf({ a: 'one' });
const forged = await layerOf({ a: 'two' });
const app = { tags: ['app:1'], layers: [layer] };
const IN_BLOBS = 'blobs/sha256/';

/** A layout without its blobs, and these, by the digits of their digests. */
function split(members: Record<string, Member>) {
  const isBlob = (name: string) => name.startsWith(IN_BLOBS);
  const pairs = Object.entries(members);
  const blobs = pairs.filter(([name]) => isBlob(name)).map(([name, bytes]) => [name.slice(IN_BLOBS.length), bytes]);
  return {
    rest: Object.fromEntries(pairs.filter(([name]) => !isBlob(name))),
    blobs: Object.fromEntries(blobs) as Record<string, Uint8Array>,
  };
}

/** A layout whose folder of blobs is a link to another place. @returns both */
async function linkedLayout(): Promise<{ layout: string; blobs: string }> {
  const layout = await writeFolder(ociLayout([app]));
  const blobs = join(await temporaryFolder(), 'store');
  await rename(join(layout, IN_BLOBS), blobs);
  await symlink(blobs, join(layout, 'blobs/sha256'));
  return { layout, blobs };
}

describe('blobs that are not among the files of an image', () => {
  test('are refused when a link leads to them, with the way to read them', async () => {
    const { layout, blobs } = await linkedLayout();
    const failure = await refusal(layout);
    expect(failure.code).toBe('DIMGX_SOURCE_UNSAFE_PATH');
    expect(failure.options).toEqual(['blobs']);
    expect(failure).toMatchObject({ path: expect.stringContaining(IN_BLOBS) });
    expect(await flattenedFiles(layout, { blobs: [blobs] })).toEqual({ a: 'one' });
  });

  test('are found behind single links, in a folder that has links itself', async () => {
    const { rest, blobs } = split(ociLayout([app]));
    const [layout, real, linked] = [await writeFolder(rest), await writeFolder(blobs), await temporaryFolder()];
    await mkdir(join(layout, IN_BLOBS), { recursive: true });
    for (const name of Object.keys(blobs)) {
      await symlink(join(real, name), join(layout, IN_BLOBS, name));
      await symlink(join(real, name), join(linked, name));
    }
    expect((await refusal(layout)).code).toBe('DIMGX_SOURCE_UNSAFE_PATH');
    expect(await flattenedFiles(layout, { blobs: [linked] })).toEqual({ a: 'one' });
  });

  test('are found in the place of links to nothing and in loops', async () => {
    const { rest, blobs } = split(ociLayout([app]));
    const store = await writeFolder(blobs);
    const links = (to: (name: string) => string) =>
      Object.fromEntries(
        Object.keys(blobs).map((name) => [IN_BLOBS + name, { type: 'symlink', linkname: to(name) } as const]),
      );
    for (const members of [links(() => 'nothing'), links((name) => name), links((name) => `/gone/${name}`)]) {
      for (const image of [await writeFolder({ ...rest, ...members }), await writeArchive({ ...rest, ...members })]) {
        expect((await refusal(image)).options).toEqual(['blobs']);
        expect(await flattenedFiles(image, { blobs: [store] })).toEqual({ a: 'one' });
      }
    }
  });

  test.each(['', 'sha256/', 'blobs/sha256/'])('are found as DIR/%sHEX when there are no others', async (below) => {
    const { rest, blobs } = split(ociLayout([app], { gzip: true }));
    const store = await writeFolder(Object.fromEntries(Object.entries(blobs).map(([name, b]) => [below + name, b])));
    for (const image of [await writeFolder(rest), await writeArchive(rest)]) {
      const failure = await refusal(image);
      expect(failure).toMatchObject({
        code: 'DIMGX_SOURCE_MISSING_BLOB',
        options: ['blobs'],
      });
      expect(await flattenedFiles(image, { blobs: [store] })).toEqual({ a: 'one' });
    }
  });

  test('are looked for in several folders, in their order', async () => {
    const { rest, blobs } = split(ociLayout([app]));
    const [image, empty] = [await writeFolder(rest), await temporaryFolder()];
    const folders = [];
    for (const [name, bytes] of Object.entries(blobs)) folders.push(await writeFolder({ [name]: bytes }));
    expect(folders.length).toBeGreaterThan(2);
    expect(await flattenedFiles(image, { blobs: [empty, ...folders] })).toEqual({ a: 'one' });
    expect((await refusal(image, { blobs: folders.slice(1) })).code).toBe('DIMGX_SOURCE_MISSING_BLOB');
  });

  test("are the layers and the config of docker's and skopeo's archives, too", async () => {
    const { rest, blobs } = split(docker25Archive([app]));
    const store = await writeFolder(blobs);
    expect(await flattenedFiles(await writeArchive(rest), { blobs: [store] })).toEqual({ a: 'one' });

    const config = configOf(app);
    const hex = sha256(config);
    for (const [name, bytes] of [
      [`${sha256(layer)}.tar`, layer],
      [`sha256:${sha256(layer)}`, layer],
      [`${sha256(gzipped(layer))}.tar.gz`, gzipped(layer)],
    ] as const) {
      const manifest = JSON.stringify([{ Config: `${hex}.json`, RepoTags: null, Layers: [name] }]);
      const digits = /[0-9a-f]{64}/.exec(name)?.[0] ?? '';
      const folder = await writeFolder({ [hex]: config, [digits]: bytes });
      const image = await writeArchive({ 'manifest.json': manifest });
      expect(await flattenedFiles(image, { blobs: [folder] })).toEqual({ a: 'one' });
    }
  });

  test('are those of dir:, too', async () => {
    const { blobs } = split(ociLayout([app]));
    const document = Object.values(blobs).find((bytes) => bytes.toString().includes('image.layer')) ?? '';
    const image = await writeFolder({ 'manifest.json': document });
    expect(await flattenedFiles(`dir:${image}`, { blobs: [await writeFolder(blobs)] })).toEqual({ a: 'one' });
  });

  test("go after the image's own", async () => {
    const { blobs } = split(ociLayout([app]));
    const wrong = await writeFolder(Object.fromEntries(Object.keys(blobs).map((name) => [name, 'wrong'])));
    const image = await writeFolder(ociLayout([app]));
    expect(await flattenedFiles(image, { blobs: [wrong], verify: false })).toEqual({ a: 'one' });
  });

  test.each([true, false])('are refused when they are others (verify: %s)', async (verify) => {
    const { rest, blobs } = split(ociLayout([app]));
    const image = await writeFolder(rest);
    for (const name of Object.keys(blobs)) {
      const store = await writeFolder({ ...blobs, [name]: name === sha256(layer) ? forged : '{}' });
      expect((await refusal(image, { blobs: [store], verify })).code).toBe('DIMGX_IMAGE_DIGEST_MISMATCH');
    }
  });

  test('are refused when they are others and large, without verification, too', async () => {
    const { rest, blobs } = split(ociLayout([app]));
    const store = await writeFolder(blobs);
    await truncate(join(store, sha256(layer)), 5 * 2 ** 20);
    const failure = await refusal(await writeFolder(rest), { blobs: [store], verify: false });
    expect(failure.code).toBe('DIMGX_IMAGE_DIGEST_MISMATCH');
    expect(failure.message).toContain(store);
  });

  test('are compared again when they are replaced', async () => {
    const { rest, blobs } = split(ociLayout([app]));
    const store = await writeFolder(blobs);
    const image = await opened(await writeFolder(rest), { blobs: [store], verify: false });
    await writeFile(join(store, 'new'), forged);
    await rename(join(store, 'new'), join(store, sha256(layer)));
    const again = await refusal(await writeFolder(rest), { blobs: [store], verify: false });
    expect(again.code).toBe('DIMGX_IMAGE_DIGEST_MISMATCH');
    expect(image.layers).toHaveLength(1);
  });

  test('are not waited for in FIFOs, nor read from folders and devices', async () => {
    const { rest, blobs } = split(ociLayout([app]));
    const [image, store] = [await writeFolder(rest), await writeFolder(blobs)];
    const odd = await temporaryFolder();
    await mkdir(join(odd, 'sha256'));
    for (const name of Object.keys(blobs)) await runCommand('mkfifo', [join(odd, name)]);
    for (const name of Object.keys(blobs)) await symlink('/dev/zero', join(odd, 'sha256', name));
    expect((await refusal(image, { blobs: [odd] })).code).toBe('DIMGX_SOURCE_MISSING_BLOB');
    expect(await flattenedFiles(image, { blobs: [odd, store] })).toEqual({ a: 'one' });
  });

  test('are no blobs by other names, or outside', async () => {
    const manifest = (path: string) => JSON.stringify([{ Config: path, RepoTags: null, Layers: [] }]);
    const store = await writeFolder({ config: configOf(app), [sha256('x')]: 'x' });
    for (const path of ['../config', `../${sha256('x')}`, 'blobs/sha256/../../../x']) {
      const image = await writeArchive({ 'manifest.json': manifest(path) });
      expect((await refusal(image, { blobs: [store] })).code).toBe('DIMGX_SOURCE_UNSAFE_PATH');
    }
    const missing = await refusal(await writeArchive({ 'manifest.json': manifest('config') }), { blobs: [store] });
    expect(missing.code).toBe('DIMGX_SOURCE_MISSING_BLOB');
    expect(missing.options).toBeUndefined();
    const legacy = await refusal(await writeArchive({ 'manifest.json': dockerArchive([app])['manifest.json'] ?? '' }));
    expect(legacy.options).toEqual(['blobs']);
  });

  test('are listed as there', async () => {
    const { layout, blobs } = await linkedLayout();
    expect((await listImages(layout)).images).toMatchObject([{ isWhole: false }]);
    expect((await listImages(layout, { blobs: [blobs] })).images).toMatchObject([{ isWhole: true }]);
  });

  test('are named on the command line', async () => {
    const { rest, blobs } = split(ociLayout([app]));
    const [first = '', ...others] = Object.keys(blobs);
    const one = await writeFolder({ [first]: blobs[first] as Uint8Array });
    const more = await writeFolder(Object.fromEntries(others.map((name) => [name, blobs[name] as Uint8Array])));
    const image = await writeArchive(rest);
    const args = ['--blobs', one, `--blobs=${more}`, image];
    expect(await callDimgx('-q', ...args)).toMatchObject({ code: 0, stderr: '' });
    expect((await callDimgx('images', ...args)).stdout).toMatch(/yes\n$/);
    expect(await callDimgx('-q', '--blobs', one, image)).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('a folder of blobs', () => {
  test('must be there, and be a folder', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'file');
    await writeFile(file, '');
    const image = await writeFolder(ociLayout([app]));
    for (const each of [join(folder, 'none'), file, join(file, 'x'), '']) {
      const failure = await refusal(image, { blobs: [folder, each] });
      expect(failure.code).toBe('DIMGX_SOURCE_NOT_FOUND');
      await expect(listImages(image, { blobs: [each] })).rejects.toMatchObject({ code: failure.code });
    }
    expect((await refusal(image, { blobs: ['a\0b'] })).code).toBe('DIMGX_SOURCE_UNREADABLE');
    const bad = { blobs: folder as unknown as string[] };
    expect((await refusal(image, bad)).code).toBe('DIMGX_OPTION_INVALID');
  });
});
