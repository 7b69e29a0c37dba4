import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Warning } from '#dimgx/errors.js';
import { findPathOwner } from '#dimgx/source/find-path-owner.js';
import { listImages } from '#dimgx/source/list-images.js';
import { openImage } from '#dimgx/source/resolve.js';
import { imageIdOf, sha256 } from '../../helpers/built-image.js';
import { addDockerContainer, addStorageContainer } from '../../helpers/container-stores.js';
import { ContainerdStore } from '../../helpers/containerd-store.js';
import { containersStore, dockerStore, type StoredImageSpec } from '../../helpers/engine-stores.js';
import { flattenImage } from '../../helpers/flatten-image.js';
import { temporaryFolder } from '../../helpers/members.js';
import { rawLayer } from '../../helpers/raw-layer.js';
import { readTar } from '../../helpers/read-tar.js';
import { callDimgx } from '../../helpers/shared-dimgx.js';

const APP: StoredImageSpec = { tags: ['app:1'], layers: [rawLayer([{ name: 'a', content: 'a' }])] };
const ID = imageIdOf(APP);

/** What a power cut leaves of a document, and what else may stand there. */
const DAMAGE = [
  ['empty', ''],
  ['cut', '{"ID":"ab'],
  ['of zeros', '\0'.repeat(4096)],
  ['of another shape', '{"Name":7,"Repositories":[]}'],
] as const;

async function listed(reference: string) {
  const warnings: Warning[] = [];
  const { images, containers, leftovers } = await listImages(reference, { onWarning: (each) => warnings.push(each) });
  return { images, containers, leftovers, warnings: warnings.map(({ code, message }) => `${code} ${message}`) };
}

/** Docker's storage with two containers. vfs needs no privilege to be read. */
async function dockerWithTwo() {
  const { folder } = await dockerStore([APP], { driver: 'vfs' });
  const [web, db] = ['web', 'db'].map((name) => addDockerContainer(folder, { name, image: APP }, 'vfs'));
  if (!web || !db) throw new Error('two containers were added');
  writeFileSync(join(db.changes, 'own'), 'own');
  return { folder, reference: `docker-root:${folder}`, web, db };
}

describe.runIf(process.platform === 'linux')('the document of one container of Docker', () => {
  test.each(DAMAGE)('that is %s is its problem, and hides no other', async (_, text) => {
    const { folder, reference, web, db } = await dockerWithTwo();
    writeFileSync(join(folder, 'containers', web.id, 'config.v2.json'), text);
    const { images, containers = [], leftovers, warnings } = await listed(folder);
    expect(images).toMatchObject([{ names: ['app:1'], isWhole: true }]);
    expect(containers).toHaveLength(2);
    expect(containers).toContainEqual({
      ...{ id: web.id, names: [], status: 'unknown', mounts: [] },
      problem: {
        code: 'DIMGX_IMAGE_BAD_JSON',
        message: expect.stringContaining(`containers/${web.id}/config.v2.json`),
      },
    });
    expect(containers.find(({ id }) => id === db.id)).toMatchObject({ names: ['db'], size: 3 });
    expect({ leftovers, warnings }).toEqual({ leftovers: [], warnings: [] });
    const { stdout } = await callDimgx('images', '--json', folder);
    expect(JSON.parse(stdout).containers).toContainEqual(
      expect.objectContaining({ id: web.id, problem: expect.objectContaining({ code: 'DIMGX_IMAGE_BAD_JSON' }) }),
    );
    const { tar } = await flattenImage(`${reference}:container/db`);
    expect(readTar(tar).map(({ name }) => name)).toContain('own');
    expect(await findPathOwner(folder, db.changes)).toMatchObject({ containers: [{ names: ['db'] }] });
    expect(await findPathOwner(folder, web.changes)).toMatchObject({ containers: [{ id: web.id }] });
    await expect(openImage(`${reference}:container/${web.id}`)).rejects.toMatchObject({
      code: 'DIMGX_IMAGE_BAD_JSON',
      message: expect.stringContaining(`layer/${web.id.slice(0, 12)}`),
    });
    await using opened = await openImage(`${reference}:layer/${web.id.slice(0, 12)}`);
    expect(opened.layers.at(-1)).toMatchObject({ containerId: web.id });
  });

  test('that is no file is its problem, too', async () => {
    const { folder, web } = await dockerWithTwo();
    const path = join(folder, 'containers', web.id, 'config.v2.json');
    rmSync(path);
    mkdirSync(path);
    const { containers } = await listed(folder);
    expect(containers?.find(({ id }) => id === web.id)).toMatchObject({ problem: { code: 'DIMGX_SOURCE_BAD_MEMBER' } });
  });

  test('is listed once where several drivers have been used', async () => {
    const { folder, web } = await dockerWithTwo();
    await dockerStore([{ ...APP, tags: ['old:1'] }], { driver: 'overlay2', into: folder });
    writeFileSync(join(folder, 'containers', web.id, 'config.v2.json'), '');
    const { containers } = await listed(folder);
    expect(containers?.map(({ id }) => id).sort()).toEqual([web.id, sha256('container db')].sort());
  });
});

describe.runIf(process.platform === 'linux')('a list of names of Docker', () => {
  test.each(DAMAGE)('that is %s leaves the images their IDs', async (_, text) => {
    const { folder, reference } = await dockerWithTwo();
    const path = 'image/vfs/repositories.json';
    writeFileSync(join(folder, path), text);
    const { images, containers, leftovers, warnings } = await listed(folder);
    expect(images).toMatchObject([{ names: [], id: ID, number: 0, isWhole: true }]);
    expect(containers?.map(({ names, problem }) => [names, problem])).toEqual(
      expect.arrayContaining([
        [['web'], undefined],
        [['db'], undefined],
      ]),
    );
    expect(leftovers).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(`^DIMGX_STORE_LIST_DAMAGED "${path}" .*known by their IDs only`)]);
    for (const selector of [`:${ID}`, `:${ID.slice(0, 12)}`, '', ':@0', ':container/db']) {
      const { tar, warnings: others } = await flattenImage(`${reference}${selector}`);
      const names = readTar(tar).map(({ name }) => name);
      expect(names).toContain(selector === ':container/db' ? 'own' : 'a');
      expect(others.map(({ code }) => code)).toContain('DIMGX_STORE_LIST_DAMAGED');
    }
    for (const name of ['app:1', 'container/none', 'layer/none'])
      await expect(openImage(`${reference}:${name}`), name).rejects.toMatchObject({
        code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
        message: name === 'layer/none' ? expect.any(String) : expect.stringContaining(path),
      });
    await expect(listImages(`${reference}:app:1`)).rejects.toThrow(path);
    await expect(listImages(folder, { strictInput: true })).rejects.toMatchObject({ code: 'DIMGX_STORE_LIST_DAMAGED' });
  });
});

/** Podman's storage with a container. */
async function storageWithOne() {
  const store = await containersStore([APP]);
  const web = addStorageContainer(store.folder, { name: 'web', image: APP });
  writeFileSync(join(web.changes, 'own'), 'own');
  const layer = basename(dirname(store.layerFolder(APP, 0)));
  const damage = (path: string, text: string) => writeFileSync(join(store.folder, path), text);
  return { folder: store.folder, reference: `containers-storage:[${store.folder}]`, web, layer, damage };
}

describe.runIf(process.platform === 'linux')('a list of Podman', () => {
  const bad = [
    ['empty', ''],
    ['of another shape', '{"id":1}'],
  ] as const;

  test.each(bad)('of images that is %s leaves containers and leftovers', async (_, text) => {
    const { folder, reference, web, layer, damage } = await storageWithOne();
    const path = 'overlay-images/images.json';
    damage(path, text);
    const { images, containers, leftovers, warnings } = await listed(folder);
    expect(images).toEqual([]);
    expect(containers).toEqual([expect.objectContaining({ id: web.id, names: ['web'], size: 3 })]);
    expect(containers?.[0]).not.toHaveProperty('problem');
    expect(leftovers).toMatchObject([{ kind: 'orphaned documents', id: ID }]);
    expect(warnings).toEqual([expect.stringMatching(`^DIMGX_STORE_LIST_DAMAGED "${path}" .*images are not known`)]);
    await expect(openImage(`${reference}app:1`)).rejects.toThrow(path);
    const heard: string[] = [];
    const owner = await findPathOwner(folder, layer, { onWarning: ({ code }) => heard.push(code) });
    expect(owner).toMatchObject({ kind: 'layer', images: [], containers: [{ names: ['web'] }] });
    expect(heard).toEqual(['DIMGX_STORE_LIST_DAMAGED']);
  });

  test.each(bad)('of containers that is %s leaves images', async (_, text) => {
    const { folder, reference, damage } = await storageWithOne();
    const path = 'overlay-containers/containers.json';
    damage(path, text);
    const { images, containers, warnings } = await listed(folder);
    expect(images).toMatchObject([{ names: ['app:1'], isWhole: true }]);
    expect(containers).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(`^DIMGX_STORE_LIST_DAMAGED "${path}" .*containers are not known`)]);
    expect((await flattenImage(`${reference}app:1`)).warnings).toEqual([]);
    await expect(openImage(`${reference}container/web`)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
      message: expect.stringContaining(path),
    });
  });

  test.each(bad)('of layers that is %s is the problem of images', async (_, text) => {
    const { folder, reference, damage } = await storageWithOne();
    const path = 'overlay-layers/layers.json';
    damage(path, text);
    const problem = { code: 'DIMGX_IMAGE_BAD_JSON', message: expect.stringContaining(path) };
    const { images, containers, warnings } = await listed(folder);
    expect(images).toMatchObject([{ names: ['app:1'], isWhole: false, problem }]);
    expect(containers).toMatchObject([{ names: ['web'], problem }]);
    expect(warnings).toEqual([expect.stringMatching(`^DIMGX_STORE_LIST_DAMAGED "${path}" `)]);
    await expect(openImage(`${reference}app:1`)).rejects.toMatchObject(problem);
    await expect(openImage(`${reference}container/web`)).rejects.toMatchObject(problem);
  });
});

describe.runIf(process.platform === 'linux')("Podman's storage", () => {
  test('without its images has its containers, layers and leftovers', async () => {
    const { folder, web, layer } = await storageWithOne();
    rmSync(join(folder, 'overlay-images'), { recursive: true });
    const { images, containers, leftovers } = await listed(folder);
    expect({ images, leftovers }).toEqual({ images: [], leftovers: [] });
    expect(containers).toMatchObject([{ id: web.id, names: ['web'], size: 3 }]);
    rmSync(join(folder, 'overlay-containers'), { recursive: true });
    expect((await listed(folder)).leftovers).toContainEqual(
      expect.objectContaining({ kind: 'unused layer', id: layer }),
    );
    await using opened = await openImage(`containers-storage:[${folder}]layer/${layer}`);
    expect(opened.layers).toHaveLength(1);
  });
});

describe.runIf(process.platform === 'linux')('the document of a container that Docker keeps in containerd', () => {
  test('is its problem, and hides no other', async () => {
    const store = new ContainerdStore();
    const [bad, good] = ['bad', 'good'].map(sha256) as [string, string];
    store.snapshot('moby', bad, { id: 1 });
    store.snapshot('moby', good, { id: 2 });
    const { folder: containerd } = await store.write(join(await temporaryFolder(), 'containerd/daemon'));
    const folder = dirname(dirname(containerd));
    const snapshots = join(containerd, 'io.containerd.snapshotter.v1.overlayfs/snapshots');
    for (const id of ['1', '2']) mkdirSync(join(snapshots, id, 'fs'), { recursive: true });
    const document = JSON.stringify({ ID: good, Name: '/good', Driver: 'overlayfs' });
    for (const [id, text] of [
      [bad, ''],
      [good, document],
    ] as const) {
      mkdirSync(join(folder, 'containers', id), { recursive: true });
      writeFileSync(join(folder, 'containers', id, 'config.v2.json'), text);
    }
    const { containers = [], leftovers } = await listed(folder);
    expect(containers).toHaveLength(2);
    const problem = { code: 'DIMGX_IMAGE_BAD_JSON', message: expect.stringContaining(`containers/${bad}/`) };
    expect(containers).toContainEqual(expect.objectContaining({ id: bad, problem }));
    expect(containers.find(({ id }) => id === good)).not.toHaveProperty('problem');
    expect(leftovers).toEqual([]);
    await expect(openImage(`docker-root:${folder}:container/${bad}`)).rejects.toMatchObject(problem);
  });
});

describe.runIf(process.platform === 'linux')('the database of a snapshotter of containerd', () => {
  test.each([
    ['empty', ''],
    ['of zeros', '\0'.repeat(65_536)],
  ])('that is %s is the problem of its containers only', async (_, text) => {
    const store = new ContainerdStore();
    store.name('default', 'docker.io/library/app:1', store.manifest({ layers: [...APP.layers] }));
    store.container('default', 'web', { image: 'docker.io/library/app:1' });
    store.snapshot('default', 'web', { id: 1 });
    store.container('default', 'db', { snapshotter: 'native' });
    store.snapshot('default', 'db', { id: 2, snapshotter: 'native' });
    store.snapshot('default', 'lost', { id: 3, snapshotter: 'native' });
    const { folder } = await store.write();
    mkdirSync(join(folder, 'io.containerd.snapshotter.v1.native/snapshots/2'), { recursive: true });
    writeFileSync(join(folder, 'io.containerd.snapshotter.v1.native/snapshots/2/own'), 'own');
    writeFileSync(join(folder, 'io.containerd.snapshotter.v1.overlayfs/metadata.db'), text);
    const { images, containers = [] } = await listed(folder);
    expect(images).toMatchObject([{ names: ['default/docker.io/library/app:1'], isWhole: true }]);
    expect(containers.map(({ id }) => id)).toEqual(['db', 'web']);
    const [db, web] = containers;
    expect(db).toMatchObject({ size: 3 });
    expect(db).not.toHaveProperty('problem');
    const problem = { code: 'DIMGX_STORE_DAMAGED', message: expect.stringContaining('metadata.db') };
    expect(web).toMatchObject({ image: 'docker.io/library/app:1', problem });
    await expect(openImage(`containerd-root:${folder}:container/web`)).rejects.toMatchObject(problem);
  });
});

/** The problem of the only container in a list is the one that opening it has. */
async function expectProblem(folder: string, code: string) {
  const { containers = [] } = await listImages(folder);
  expect(containers).toMatchObject([{ problem: { code } }]);
  const { names, id, problem } = containers[0] as (typeof containers)[number];
  const failure = await flattenImage(`${folder}:container/${names[0] ?? id}`).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code, message: problem?.message });
  return problem?.message;
}

describe.runIf(process.platform === 'linux')('a container that cannot be opened is listed with its problem', () => {
  test('in Docker, if its folder is lost', async () => {
    const { folder } = await dockerStore([APP], { driver: 'vfs' });
    const { changes } = addDockerContainer(folder, { name: 'web', image: APP }, 'vfs');
    rmSync(changes, { recursive: true });
    expect(await expectProblem(`docker-root:${folder}`, 'DIMGX_STORE_DAMAGED')).toContain(basename(changes));
  });

  test('in Docker, if all folders are lost', async () => {
    const { folder } = await dockerStore([APP]);
    const { changes } = addDockerContainer(folder, { name: 'web', image: APP });
    rmSync(join(folder, 'overlay2'), { recursive: true });
    mkdirSync(join(folder, 'overlay2'));
    const lost = basename(dirname(changes));
    expect(await expectProblem(`docker-root:${folder}`, 'DIMGX_STORE_DAMAGED')).toContain(lost);
  });

  test('in Docker, if the folder of a layer of its image is lost', async () => {
    const store = await dockerStore([APP]);
    addDockerContainer(store.folder, { name: 'web', image: APP });
    const layer = dirname(store.layerFolder(APP, 0));
    rmSync(layer, { recursive: true });
    const problem = { code: 'DIMGX_STORE_DAMAGED', message: expect.stringContaining(basename(layer)) };
    expect((await listImages(store.folder)).containers).toMatchObject([{ problem }]);
  });

  test('in Docker, if the config of its image is damaged', async () => {
    const { folder } = await dockerStore([APP], { driver: 'vfs' });
    addDockerContainer(folder, { name: 'web', image: APP }, 'vfs');
    writeFileSync(join(folder, 'image/vfs/imagedb/content/sha256', ID), '');
    await expectProblem(`docker-root:${folder}`, 'DIMGX_IMAGE_DIGEST_MISMATCH');
    const { containers } = await listImages(folder, { verify: false });
    expect(containers).toMatchObject([{ problem: { code: 'DIMGX_IMAGE_BAD_JSON' } }]);
  });

  test('in Podman, if the list of layers is lost', async () => {
    const { folder } = await storageWithOne();
    rmSync(join(folder, 'overlay-layers/layers.json'));
    const { containers } = await listImages(folder);
    const problem = { code: 'DIMGX_LAYER_BAD_PARENT', message: expect.any(String) };
    expect(containers).toMatchObject([{ names: ['web'], problem }]);
    await expect(openImage(`containers-storage:[${folder}]container/web`)).rejects.toMatchObject({
      ...problem,
      message: containers?.[0]?.problem?.message,
    });
  });

  test('in containerd, if its folder is lost', async () => {
    const store = new ContainerdStore();
    store.container('default', 'web', {});
    store.snapshot('default', 'web', { id: 1 });
    const { folder } = await store.write();
    expect(await expectProblem(`containerd-root:${folder}`, 'DIMGX_STORE_DAMAGED')).toContain('snapshots/1/fs');
  });
});
