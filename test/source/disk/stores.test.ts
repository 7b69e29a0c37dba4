import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listImages } from '#dimgx/source/list-images.js';
import { openImage } from '#dimgx/source/resolve.js';
import { imageIdOf } from '../../helpers/built-image.js';
import { dockerArchive } from '../../helpers/docker-archive.js';
import { containersStore, dockerStore, type StoredImageSpec } from '../../helpers/engine-stores.js';
import { flattenImage } from '../../helpers/flatten-image.js';
import { writeArchive } from '../../helpers/members.js';
import { rawLayer } from '../../helpers/raw-layer.js';
import { runDimgxIn } from '../../helpers/run-dimgx.js';

const BASE = rawLayer([
  { name: 'etc/', type: '5' },
  { name: 'etc/passwd', content: 'root:x:0:0\n' },
  { name: 'empty' },
  { name: 'big', content: 'b'.repeat(300_000) },
]);
const TOP = rawLayer([{ name: 'etc/passwd', content: 'other\n' }, { name: '.wh.big' }, { name: 'new', content: 'n' }]);

const APP: StoredImageSpec = { tags: ['app:1'], layers: [BASE, TOP] };
const OTHER: StoredImageSpec = { tags: ['other:2'], layers: [BASE], config: { author: 'x' } };

const flatArchive = async ({ tags = [], ...image }: StoredImageSpec) =>
  (await flattenImage(`docker-archive:${await writeArchive(dockerArchive([{ tags, ...image }]))}`)).tar;

test('the storage in podman unshare is that of its user', async () => {
  const { folder } = await containersStore([
    { tags: ['localhost/app:1'], layers: [rawLayer([{ name: 'a', content: 'a' }])] },
  ]);
  const { stdout } = await runDimgxIn(
    { env: { CONTAINERS_GRAPHROOT: folder } },
    'images',
    '--json',
    'containers-storage:',
  );
  expect(JSON.parse(stdout).images).toMatchObject([{ names: ['localhost/app:1'] }]);
});

describe("Docker's storage", () => {
  test.each(['overlay2', 'fuse-overlayfs', 'vfs', 'btrfs'])('of %s flattens as the archive does', async (driver) => {
    const { folder } = await dockerStore([APP], { driver });
    const { tar, warnings } = await flattenImage(`docker-root:${folder}`);
    expect(tar.equals(await flatArchive(APP))).toBe(true);
    expect(warnings).toEqual([]);
  });

  test('of images that BuildKit has built has folders with other names', async () => {
    const store = await dockerStore([APP]);
    const record = join(dirname(store.tarSplit(APP, 1)), 'cache-id');
    const name = 'k3v9q2m7x1c8b5n4z6l0j2h7g';
    renameSync(dirname(store.layerFolder(APP, 1)), join(store.folder, 'overlay2', name));
    writeFileSync(record, name);
    const { tar } = await flattenImage(`docker-root:${store.folder}`);
    expect(tar.equals(await flatArchive(APP))).toBe(true);
    writeFileSync(record, '../../../../../../../../x');
    await expect(flattenImage(`docker-root:${store.folder}`)).rejects.toMatchObject({ code: 'DIMGX_STORE_DAMAGED' });
  });

  test('is read by threads as well', async () => {
    const large = { ...APP, layers: [rawLayer([{ name: 'x', content: 'x'.repeat(5_000_000) }]), ...APP.layers] };
    const { folder } = await dockerStore([large]);
    expect((await flattenImage(`docker-root:${folder}`)).tar.equals(await flatArchive(large))).toBe(true);
  });

  test('with user namespaces is one folder down', async () => {
    const { folder } = await dockerStore([APP], { top: '165536.165536' });
    expect((await flattenImage(`docker-root:${folder}:app:1`)).tar.equals(await flatArchive(APP))).toBe(true);
  });

  test('is recognised without its prefix', async () => {
    const { folder } = await dockerStore([APP]);
    await using image = await openImage(folder);
    expect(image.source).toEqual({ transport: 'docker-root', location: folder });
    expect(image.id).toBe(imageIdOf(APP));
    expect(image.tags).toEqual(['app:1']);
    expect(image.layers.map(({ claimedContentSize }) => claimedContentSize)).toEqual([300_011, 7]);
  });

  test.each([
    ['a name', 'app:1'],
    ['a full name', 'docker.io/library/app:1'],
    ['an ID', imageIdOf(APP)],
    ['a digest of a config', `sha256:${imageIdOf(APP)}`],
    ['the start of an ID', imageIdOf(APP).slice(0, 12)],
  ])('has an image by %s', async (_, name) => {
    const { folder } = await dockerStore([OTHER, APP]);
    await using image = await openImage(`docker-root:${folder}:${name}`);
    expect(image.id).toBe(imageIdOf(APP));
  });

  test('has an image by the digest that it was pulled with', async () => {
    const digest = `sha256:${'7'.repeat(64)}`;
    const { folder } = await dockerStore([OTHER, { ...APP, tags: ['app:1', `app@${digest}`] }]);
    await using image = await openImage(`docker-root:${folder}@${digest}`);
    expect(image.tags).toEqual(['app:1']);
  });

  test('with several images needs a name', async () => {
    const { folder } = await dockerStore([OTHER, APP]);
    await expect(openImage(`docker-root:${folder}`)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_AMBIGUOUS',
      choices: expect.arrayContaining([expect.objectContaining({ names: ['app:1'] })]),
    });
  });

  test('with a name in two drivers needs an ID', async () => {
    const { folder } = await dockerStore([APP], { driver: 'vfs' });
    await dockerStore([{ ...OTHER, tags: ['app:1'] }], { into: folder });
    await expect(openImage(`docker-root:${folder}:app:1`)).rejects.toMatchObject({ code: 'DIMGX_SOURCE_AMBIGUOUS' });
    await using image = await openImage(`docker-root:${folder}:${imageIdOf(APP)}`);
    expect(image.id).toBe(imageIdOf(APP));
  });

  test('is listed', async () => {
    const { folder } = await dockerStore([APP, OTHER]);
    const { source, images } = await listImages(`docker-root:${folder}`);
    expect(source.transport).toBe('docker-root');
    expect(images.map(({ names, id, size, isWhole }) => ({ names, id, size, isWhole })).sort(byName)).toEqual([
      { names: ['app:1'], id: imageIdOf(APP), size: 300_018, isWhole: true },
      { names: ['other:2'], id: imageIdOf(OTHER), size: 300_011, isWhole: true },
    ]);
  });

  test('lists an image that lacks a layer as not whole', async () => {
    const store = await dockerStore([APP]);
    rmSync(store.layerFolder(APP, 0), { recursive: true });
    const { images } = await listImages(store.folder);
    expect(images).toMatchObject([{ isWhole: false, problem: { code: 'DIMGX_STORE_DAMAGED' } }]);
  });

  test('with an altered config is refused', async () => {
    const { folder } = await dockerStore([APP]);
    writeFileSync(`${folder}/image/overlay2/imagedb/content/sha256/${imageIdOf(APP)}`, '{}');
    await expect(openImage(folder)).rejects.toMatchObject({ code: 'DIMGX_IMAGE_DIGEST_MISMATCH' });
  });

  test('of another driver is refused by its name', async () => {
    const { folder } = await dockerStore([APP], { driver: 'aufs' });
    await expect(flattenImage(folder)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_UNSUPPORTED',
      message: expect.stringContaining('"aufs"'),
    });
  });
});

describe("Podman's storage", () => {
  const LOCAL = { ...APP, tags: ['localhost/app:1'] };

  test.each(['overlay', 'vfs'])('of %s flattens as the archive does', async (driver) => {
    const { folder } = await containersStore([APP], { driver });
    for (const reference of [folder, `containers-storage:[${driver}@${folder}+/run/x]app:1`]) {
      expect((await flattenImage(reference)).tar.equals(await flatArchive(APP))).toBe(true);
    }
  });

  test.each([
    ['a full name', 'localhost/app:1'],
    ['a name without localhost', 'app:1'],
    ['an ID', imageIdOf(LOCAL)],
    ['an ID after an at sign', `@${imageIdOf(LOCAL)}`],
    ['the start of an ID', imageIdOf(LOCAL).slice(0, 12)],
  ])('has an image by %s', async (_, name) => {
    const { folder } = await containersStore([OTHER, LOCAL]);
    for (const store of [`[overlay@${folder}]`, `[${folder}]`, `[overlay@${folder}+/run:overlay.x=y]`]) {
      await using image = await openImage(`containers-storage:${store}${name}`);
      expect(image.id).toBe(imageIdOf(LOCAL));
    }
  });

  test('with several images needs a name', async () => {
    const { folder } = await containersStore([OTHER, LOCAL]);
    await expect(openImage(`containers-storage:[${folder}]`)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_AMBIGUOUS',
    });
  });

  test('is listed', async () => {
    const { folder } = await containersStore([LOCAL, OTHER]);
    const { images } = await listImages(`containers-storage:[overlay@${folder}]`);
    expect(images).toMatchObject([
      { names: ['localhost/app:1'], id: imageIdOf(LOCAL), size: BASE.length + TOP.length },
      { names: ['other:2'], id: imageIdOf(OTHER), size: BASE.length },
    ]);
  });

  test('without a closing bracket is not a reference', async () => {
    await expect(openImage('containers-storage:[/x')).rejects.toMatchObject({ code: 'DIMGX_REFERENCE_INVALID' });
  });
});

function byName(one: { readonly names: readonly string[] }, other: { readonly names: readonly string[] }): number {
  return String(one.names) < String(other.names) ? -1 : 1;
}
