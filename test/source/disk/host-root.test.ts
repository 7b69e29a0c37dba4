import { cpSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findPathOwner } from '#dimgx/source/find-path-owner.js';
import { listImages } from '#dimgx/source/list-images.js';
import { openImage } from '#dimgx/source/resolve.js';
import { imageIdOf } from '../../helpers/built-image.js';
import { addStorageContainer } from '../../helpers/container-stores.js';
import { ContainerdStore } from '../../helpers/containerd-store.js';
import { containersStore, dockerStore, type StoredImageSpec } from '../../helpers/engine-stores.js';
import { flattenImage } from '../../helpers/flatten-image.js';
import { temporaryFolder } from '../../helpers/members.js';
import { rawLayer } from '../../helpers/raw-layer.js';
import { wornContainerd } from '../../helpers/worn-containerd.js';

const LAYER = rawLayer([{ name: 'etc/passwd', content: 'root:x:0:0\n' }]);
const APP: StoredImageSpec = { tags: ['app:1'], layers: [LAYER] };
const OTHER: StoredImageSpec = { tags: ['other:2'], layers: [LAYER], config: { author: 'x' } };

async function containerdStore(into: string, names: Readonly<Record<string, StoredImageSpec>>, namespace = 'default') {
  const store = new ContainerdStore();
  for (const [name, image] of Object.entries(names)) store.name(namespace, name, store.manifest(image));
  mkdirSync(into, { recursive: true });
  return store.write(into);
}

/** A disk with the storages of Docker, of Kubernetes, and of a user's Podman. */
async function host() {
  const mount = await temporaryFolder();
  mkdirSync(join(mount, 'var/lib/docker'), { recursive: true });
  await dockerStore([APP], { into: join(mount, 'var/lib/docker') });
  await containerdStore(
    join(mount, 'var/lib/rancher/k3s/agent/containerd'),
    { 'docker.io/library/k3s:1': OTHER },
    'k8s.io',
  );
  const { folder } = await containersStore([{ ...OTHER, tags: ['localhost/other:2'] }]);
  mkdirSync(join(mount, 'home/jo/.local/share/containers'), { recursive: true });
  renameSync(folder, join(mount, 'home/jo/.local/share/containers/storage'));
  return mount;
}

describe.runIf(process.platform === 'linux')('a whole disk', () => {
  test('knows whose a path is, in whichever storage', async () => {
    const mount = await host();
    const paths = [
      `overlay-images/${imageIdOf(OTHER)}/manifest`,
      `${mount}/var/lib/docker/image/overlay2/imagedb/content/sha256/${imageIdOf(APP)}`,
    ];
    const owners = await Promise.all(paths.map((path) => findPathOwner(`host-root:${mount}`, path)));
    expect(owners.map(({ images }) => images.flatMap(({ names }) => names))).toEqual([
      ['localhost/other:2'],
      ['app:1'],
    ]);
  });

  test('knows by its folder whose a path is that several storages have', async () => {
    const mount = await temporaryFolder();
    const [system, k3s] = ['var/lib/containerd', 'var/lib/rancher/k3s/agent/containerd'];
    const { path } = await wornContainerd({ into: join(mount, system) });
    await wornContainerd({ into: join(mount, 'data/k3s'), namespace: 'k8s.io' });
    mkdirSync(join(mount, k3s, '..'), { recursive: true });
    symlinkSync('/data/k3s', join(mount, k3s));
    const file = `${path('overlayfs', 1)}/fs/etc/passwd`;
    const namespaceOf = async (text: string) => (await findPathOwner(`host-root:${mount}`, text)).images[0]?.namespace;
    expect(await namespaceOf(`/${system}/${file}`)).toBe('default');
    expect(await namespaceOf(`/var/lib/docker/../containerd/${file}`)).toBe('default');
    for (const folder of [`/${k3s}`, `${mount}/data/k3s`])
      expect(await namespaceOf(`${folder}/${file}`)).toBe('k8s.io');
    await expect(namespaceOf(file)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_AMBIGUOUS',
      message: expect.stringContaining(`containerd-root:${mount}/data/k3s`),
    });
    const left = await findPathOwner(`host-root:${mount}`, `/${k3s}/${path('overlayfs', 4)}`);
    expect(left.leftover).toEqual({ kind: 'unused layer', id: 'overlayfs/4' });
  });

  test('says which storages have a container of the same name', async () => {
    const mount = await temporaryFolder();
    const places = ['var/lib/containers/storage', 'home/jo/.local/share/containers/storage'];
    for (const place of places) {
      const { folder } = await containersStore([OTHER]);
      addStorageContainer(folder, { name: 'odd', image: OTHER });
      cpSync(folder, join(mount, place), { recursive: true });
    }
    const found = await openImage(`host-root:${mount}:container/odd`, { uidMap: '0:0:1' }).catch((failure) => failure);
    expect(found).toMatchObject({
      code: 'DIMGX_SOURCE_AMBIGUOUS',
      message: expect.stringContaining('holds containers that "container/odd" could mean in '),
    });
    await expect(openImage(`host-root:${mount}:other:2`)).rejects.toMatchObject({
      message: expect.stringContaining('holds images that "other:2" could mean in '),
    });
    await expect(openImage(`host-root:${mount}:container/none`)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
      message: expect.stringContaining('has no container "none"'),
    });
  });

  test('lists every storage, with the reference that reads it', async () => {
    const mount = await host();
    const { source, images } = await listImages(`host-root:${mount}`);
    expect(source).toEqual({ transport: 'host-root', location: mount });
    expect(images.map(({ store, names }) => [store, ...names])).toEqual([
      [`docker-root:${mount}/var/lib/docker`, 'app:1'],
      [`containerd-root:${mount}/var/lib/rancher/k3s/agent/containerd`, 'k8s.io/docker.io/library/k3s:1'],
      [`containers-storage:[${mount}/home/jo/.local/share/containers/storage]`, 'localhost/other:2'],
    ]);
    for (const { store = '' } of images) expect((await listImages(store)).images).toHaveLength(1);
  });

  test('lists a storage without images', async () => {
    const mount = await temporaryFolder();
    await containerdStore(join(mount, 'var/lib/containerd'), {});
    const { images } = await listImages(`host-root:${mount}`);
    expect(images).toEqual([
      { names: [], kind: 'empty storage', missing: [], store: `containerd-root:${mount}/var/lib/containerd` },
    ]);
  });

  test('opens an image that one storage has', async () => {
    const mount = await host();
    await using image = await openImage(`host-root:${mount}:app:1`);
    expect(image.id).toBe(imageIdOf(APP));
    expect(image.source).toEqual({ transport: 'docker-root', location: `${mount}/var/lib/docker` });
    await using other = await openImage(`host-root:${mount}`, { image: 'k3s:1' });
    expect(other.source.transport).toBe('containerd-root');
    expect((await flattenImage(`host-root:${mount}:other:2`)).tar.length).toBeGreaterThan(1024);
  });

  test('passes on what a storage warns of while its layers are read', async () => {
    const mount = await temporaryFolder();
    const odd = { tags: ['odd:1'], layers: [rawLayer([{ name: '.wh.b', content: 'lost' }])] };
    mkdirSync(join(mount, 'var/lib/docker'), { recursive: true });
    await dockerStore([odd], { into: join(mount, 'var/lib/docker') });
    const { warnings } = await flattenImage(`host-root:${mount}:odd:1`);
    expect(warnings.map(({ code }) => code)).toEqual(['DIMGX_SOURCE_UNVERIFIED']);
  });

  test('names the storages if several have the image', async () => {
    const mount = await host();
    await expect(openImage(`host-root:${mount}:${imageIdOf(OTHER)}`)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_AMBIGUOUS',
      message: expect.stringMatching(/containerd-root:.*k3s.*, containers-storage:\[.*storage\]: write one of these/),
    });
  });

  test('says what is there if none has it', async () => {
    await expect(openImage(`host-root:${await host()}:nothing`)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
      message: expect.stringMatching(/app:1.*k3s:1.*other:2/s),
    });
  });

  test('follows its symlinks inside, and none to the outside', async () => {
    const mount = await temporaryFolder();
    await containerdStore(join(mount, 'data/containerd'), { 'docker.io/library/app:1': APP });
    mkdirSync(join(mount, 'var/lib'), { recursive: true });
    symlinkSync('/data/containerd', join(mount, 'var/lib/containerd'));
    const outside = await temporaryFolder();
    await dockerStore([OTHER], { into: outside });
    symlinkSync(outside, join(mount, 'var/lib/docker'));
    symlinkSync('containers', join(mount, 'var/lib/containers'));
    const { images } = await listImages(`host-root:${mount}`);
    expect(images.map(({ store }) => store)).toEqual([`containerd-root:${mount}/data/containerd`]);
  });

  test('without a storage is refused', async () => {
    await expect(listImages(`host-root:${await temporaryFolder()}`)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_NOT_AN_IMAGE',
    });
  });
});

describe.runIf(process.platform === 'linux')("Docker's storage in containerd", () => {
  const NAMES = { 'docker.io/library/app:1': APP, [`moby-dangling@sha256:${'7'.repeat(64)}`]: OTHER };

  test.each(['', '165536.165536/'])('is below its folder, with names of its own: %s', async (top) => {
    const folder = await temporaryFolder();
    const namespace = top === '' ? 'moby' : `moby-${top.slice(0, -1)}`;
    await containerdStore(join(folder, `${top}containerd/daemon`), NAMES, namespace);
    const { source, images } = await listImages(folder);
    expect(source.transport).toBe('docker-root');
    expect(images).toMatchObject([{ names: ['docker.io/library/app:1'] }, { names: [] }]);
    await using image = await openImage(`docker-root:${folder}:app:1`);
    expect(image.id).toBe(imageIdOf(APP));
    expect(image.source).toEqual({ transport: 'docker-root', location: folder });
  });

  test('may be beside the classic one', async () => {
    const { folder } = await dockerStore([APP, OTHER]);
    await containerdStore(join(folder, 'containerd/daemon'), { 'docker.io/library/new:1': OTHER, ...NAMES }, 'moby');
    const { images } = await listImages(`docker-root:${folder}`);
    expect(images.flatMap(({ names }) => names).sort()).toEqual(
      ['app:1', 'docker.io/library/app:1', 'docker.io/library/new:1', 'other:2'].sort(),
    );
    await using image = await openImage(`docker-root:${folder}:new:1`);
    expect(image.id).toBe(imageIdOf(OTHER));
    await expect(openImage(`docker-root:${folder}:app:1`)).rejects.toMatchObject({ code: 'DIMGX_SOURCE_AMBIGUOUS' });
  });

  test('is named if it is beside the folder', async () => {
    const folder = await temporaryFolder();
    await containerdStore(join(folder, 'containerd'), NAMES, 'moby');
    mkdirSync(join(folder, 'docker'));
    await dockerStore([], { into: join(folder, 'docker') });
    for (const reference of [`docker-root:${folder}/docker`, `docker-root:${folder}/docker:app:1`]) {
      await expect(openImage(reference)).rejects.toMatchObject({
        message: expect.stringContaining(`containerd-root:${folder}/containerd`),
      });
    }
  });
});
