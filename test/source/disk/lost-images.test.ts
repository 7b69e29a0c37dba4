import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listImages } from '#dimgx/source/list-images.js';
import { openImage } from '#dimgx/source/resolve.js';
import { imageIdOf } from '../../helpers/built-image.js';
import { addDockerContainer } from '../../helpers/container-stores.js';
import { dockerStore, type StoredImageSpec } from '../../helpers/engine-stores.js';
import { flattenImage } from '../../helpers/flatten-image.js';
import { rawLayer } from '../../helpers/raw-layer.js';
import { readTar } from '../../helpers/read-tar.js';

const LAYERS = [rawLayer([{ name: 'a', content: 'a' }]), rawLayer([{ name: 'b', content: 'bb' }])];
const APP: StoredImageSpec = { tags: ['app:1'], layers: LAYERS };

/** Docker's storage with a container, of which a part is removed. vfs needs no privilege to be read. */
async function without(part: string, top = '', driver = 'vfs') {
  const store = await dockerStore([APP], { driver, top });
  const web = addDockerContainer(join(store.folder, top), { name: 'web', image: APP }, driver);
  writeFileSync(join(web.changes, 'own'), 'own');
  rmSync(join(store.folder, top, part), { recursive: true });
  return { store, web };
}

describe.runIf(process.platform === 'linux')("Docker's storage that has lost its images", () => {
  test.each([
    ['the folder of images', 'image/vfs/imagedb', ''],
    ['their documents', 'image/vfs/imagedb/content', ''],
    ['the folder of images of a user namespace', 'image/vfs/imagedb', '165536.165536/'],
  ])('has containers, with the layers that are recorded: without %s', async (_, part, top) => {
    const { store, web } = await without(part, top);
    for (const reference of [store.folder, `docker-root:${store.folder}`]) {
      const { source, images, containers, leftovers } = await listImages(reference);
      expect(source.transport).toBe('docker-root');
      expect(images).toMatchObject([{ names: ['app:1'], isWhole: false }]);
      expect(containers).toMatchObject([{ id: web.id, names: ['web'], image: 'app:1', status: 'exited', size: 3 }]);
      expect(leftovers).toEqual([]);
    }
    await using image = await openImage(`docker-root:${store.folder}:container/web`);
    expect(image.layers.map(({ diffId, containerId }) => [typeof diffId, containerId])).toEqual([
      ['string', undefined],
      ['string', undefined],
      ['undefined', web.id],
    ]);
    const { tar, warnings } = await flattenImage(`docker-root:${store.folder}:container/web`);
    expect(readTar(tar).map(({ name }) => name)).toContain('own');
    // The owner of the files may be outside of the user namespace.
    const others = warnings.filter(({ code }) => code !== 'DIMGX_CONTAINER_OWNER');
    expect(others.map(({ code, message }) => `${code} ${message}`)).toEqual([
      expect.stringMatching(/^DIMGX_SOURCE_IMAGE_SKIPPED the image "app:1" of the container "web" has been removed/),
    ]);
  });

  test('has the files of the layers below a container', async () => {
    const { store } = await without('image/overlay2/imagedb', '', 'overlay2');
    const { tar } = await flattenImage(`docker-root:${store.folder}:container/web`);
    expect(readTar(tar).map(({ name }) => name)).toEqual(expect.arrayContaining(['a', 'b', 'own']));
  });

  test('and the records of layers, too, lists what is left', async () => {
    const { store, web } = await without('image');
    const { images, containers, leftovers = [] } = await listImages(store.folder);
    expect(images).toEqual([]);
    expect(containers).toMatchObject([{ id: web.id, names: ['web'], problem: { code: 'DIMGX_STORE_DAMAGED' } }]);
    const own = basename(web.changes);
    expect(leftovers.map(({ kind, id }) => [kind, id])).toContainEqual(['orphaned folder', own]);
    await expect(openImage(`docker-root:${store.folder}:container/web`)).rejects.toMatchObject({
      code: 'DIMGX_STORE_DAMAGED',
    });
    const { tar } = await flattenImage(`docker-root:${store.folder}:layer/${own}`);
    expect(readTar(tar).map(({ name }) => name)).toContain('own');
  });

  test.each(['imagedb', 'layerdb', 'imagedb and layerdb'])('and all containers lists the folders: %s', async (lost) => {
    const { store, web } = await without('containers', '', 'overlay2');
    for (const name of lost.split(' and ')) rmSync(join(store.folder, 'image/overlay2', name), { recursive: true });
    const { source, leftovers = [] } = await listImages(store.folder);
    expect(source.transport).toBe('docker-root');
    const folders = [store.layerFolder(APP, 0), store.layerFolder(APP, 1), web.prepared, web.changes];
    expect(
      leftovers
        .filter(({ isLayer }) => isLayer)
        .map(({ path }) => path)
        .sort(),
    ).toEqual(folders.map((folder) => `overlay2/${basename(dirname(folder))}`).sort());
  });

  test('of an image that has a name says which document is missing', async () => {
    const id = imageIdOf(APP);
    const document = `image/vfs/imagedb/content/sha256/${id}`;
    const { store } = await without(document);
    const problem = { code: 'DIMGX_SOURCE_MISSING_BLOB', message: expect.stringContaining(document) };
    const { images } = await listImages(store.folder);
    expect(images).toMatchObject([{ names: ['app:1'], id, isWhole: false, problem }]);
    for (const name of ['app:1', id]) {
      await expect(openImage(`docker-root:${store.folder}:${name}`), name).rejects.toMatchObject(problem);
    }
    await using image = await openImage(`docker-root:${store.folder}:container/web`);
    expect(image.layers).toHaveLength(3);
  });

  test('is none if it has neither layers nor containers', async () => {
    const store = await dockerStore([APP]);
    rmSync(join(store.folder, 'image'), { recursive: true });
    mkdirSync(join(store.folder, 'image/..x/imagedb'), { recursive: true });
    await expect(openImage(`docker-root:${store.folder}`)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_NOT_AN_IMAGE',
    });
  });
});
