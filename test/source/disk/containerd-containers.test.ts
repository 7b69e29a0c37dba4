import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listImages } from '#dimgx/source/list-images.js';
import { openImage } from '#dimgx/source/resolve.js';
import { diffIdOf, sha256 } from '../../helpers/built-image.js';
import { CHANGED_LAYER, changeTree } from '../../helpers/container-changes.js';
import { ContainerdStore } from '../../helpers/containerd-store.js';
import { chainId, type StoredImageSpec } from '../../helpers/engine-stores.js';
import { lacks } from '../../helpers/engines.js';
import { extractTar } from '../../helpers/extract-tar.js';
import { flattenImage } from '../../helpers/flatten-image.js';
import { temporaryFolder } from '../../helpers/members.js';
import { cannotMount } from '../../helpers/mounts.js';
import { changeOverlay, listOverlay } from '../../helpers/overlay-mount.js';
import { rawLayer } from '../../helpers/raw-layer.js';
import type { Tree } from '../../helpers/tree.js';
import { treeDifferences } from '../../helpers/tree-differences.js';

const OLDER = rawLayer([
  { name: './', type: '5', mode: 0o755, mtime: 1 },
  { name: 'lower/', type: '5', mode: 0o700, mtime: 1 },
  { name: 'older', content: 'o', mtime: 1 },
]);
const IMAGE: StoredImageSpec = { layers: [OLDER, CHANGED_LAYER] };
const NAME = 'docker.io/library/app:1';
const DOCKER_ID = sha256('a container');

interface StoreShape {
  readonly namespace?: string;
  /** Key of the container's snapshot. */
  readonly key?: string;
  /** Between the image and the container. */
  readonly prepared?: string;
  /** The folder of containerd in a temporary folder. */
  readonly top?: string;
}

/** A store with a container, whose image is unpacked as containerd does it. */
async function withContainer({ namespace = 'default', key = 'web', prepared, top = '' }: StoreShape = {}) {
  const store = new ContainerdStore();
  const manifest = store.manifest(IMAGE, { gzip: true });
  store.name(namespace, NAME, manifest);
  store.container(namespace, 'web-1', { image: NAME, key, labels: { 'nerdctl/name': 'web' } });
  let parent: string | undefined;
  const folders: string[] = [];
  const folder = await temporaryFolder();
  const add = (each: string, layer?: Buffer) => {
    const id = folders.length + 1;
    const kind = each === key ? 'active' : 'committed';
    store.snapshot(namespace, each, { id, kind, ...(parent !== undefined && { parent }) });
    parent = each;
    const files = join(folder, top, `io.containerd.snapshotter.v1.overlayfs/snapshots/${id}/fs`);
    mkdirSync(files, { recursive: true });
    if (layer) execFileSync('tar', ['-xp', '-C', files], { input: layer });
    folders.push(files);
  };
  for (const [i, layer] of IMAGE.layers.entries()) add(`sha256:${chainId(IMAGE, i)}`, layer as Buffer);
  if (prepared !== undefined) add(prepared);
  add(key);
  const written = await store.write(join(folder, top));
  return { ...written, folder, folders, manifest, store };
}

async function extracted(reference: string) {
  const folder = await temporaryFolder();
  const { tar, warnings } = await flattenImage(reference);
  writeFileSync(join(folder, 'tar'), tar);
  const { tree } = await extractTar('GNU tar', join(folder, 'tar'), folder);
  return { tree, codes: warnings.map(({ code }) => code) };
}

const withoutSocket = (tree: Tree): Tree => new Map([...tree].filter(([, { type }]) => type !== 'socket'));

describe.skipIf(cannotMount() || lacks('root', 'setfattr'))(
  "a container's tree in containerd (needs root and setfattr)",
  () => {
    /** Changes the container. @returns what the kernel shows then */
    const change = async (folders: readonly string[]) => {
      const [below, changes, folder] = [folders.slice(0, -1), folders.at(-1) as string, await temporaryFolder()];
      await changeOverlay({ below, changes, folder }, [], changeTree);
      return withoutSocket(await listOverlay(folders, folder));
    };

    test('is what the kernel shows, with its image or without', async () => {
      const { folder, folders, store } = await withContainer();
      const shown = await change(folders);
      const whole = await extracted(`containerd-root:${folder}:default/container/web`);
      expect(treeDifferences(shown, whole.tree, () => false)).toEqual([]);
      expect(whole.codes).not.toContain('DIMGX_SOURCE_UNVERIFIED');
      // Another image has its name now.
      store.name('default', NAME, store.manifest({ layers: [OLDER] }));
      await store.write(folder);
      const renamed = await extracted(`containerd-root:${folder}:container/web`);
      expect(treeDifferences(shown, renamed.tree, () => false)).toEqual([]);
      expect(renamed.codes).toContain('DIMGX_SOURCE_UNVERIFIED');
      rmSync(`${folder}/io.containerd.content.v1.content`, { recursive: true });
      expect((await extracted(`containerd-root:${folder}:container/web`)).tree).toEqual(renamed.tree);
    });

    test('has an image that nothing but its snapshots names', async () => {
      const { folder, store, manifest } = await withContainer({ key: 'gone' });
      const { config } = JSON.parse(String(store.members[`blobs/sha256/${manifest.digest.slice(7)}`]));
      const chain = `sha256:${chainId(IMAGE, 1)}`;
      store.label('default', config.digest, { 'containerd.io/gc.ref.snapshot.overlayfs': chain });
      store.container('default', 'web-1', { key: 'other' });
      await store.write(folder);
      await using image = await openImage(`containerd-root:${folder}:container/gone`);
      expect(image.manifestDigest).toBe(manifest.digest);
      expect(image.layers.map(({ containerId }) => containerId)).toEqual([undefined, undefined, 'gone']);
    });

    test("is that of Docker's, with what was prepared for it", async () => {
      const docker = { namespace: 'moby', key: DOCKER_ID, prepared: `${DOCKER_ID}-init`, top: 'containerd/daemon' };
      const { folder, folders, manifest } = await withContainer(docker);
      const own = join(folder, 'containers', DOCKER_ID);
      mkdirSync(own, { recursive: true });
      const state = { Running: false, StartedAt: '2026-01-02T03:04:05Z' };
      const config = { ID: DOCKER_ID, Name: '/web', Image: manifest.digest, Driver: 'overlayfs', State: state };
      writeFileSync(join(own, 'config.v2.json'), JSON.stringify(config));
      writeFileSync(join(folders[2] as string, '.dockerenv'), '');
      const shown = await change(folders);
      const { tree, codes } = await extracted(`docker-root:${folder}:container/web`);
      expect(treeDifferences(shown, tree, () => false)).toEqual([]);
      expect(codes).not.toContain('DIMGX_SOURCE_UNVERIFIED');
      const { containers } = await listImages(folder);
      expect(containers).toMatchObject([{ id: DOCKER_ID, names: ['web'], status: 'exited', size: expect.any(Number) }]);
    });

    test('is the same if blobs of its image have been discarded, and so is the image', async () => {
      const { folder, folders, blob, manifest } = await withContainer();
      await change(folders);
      const references = [`containerd-root:${folder}:app:1`, `containerd-root:${folder}:container/web`];
      const before = await Promise.all(references.map(extracted));
      const { layers } = await openImage(references[0] as string);
      for (const { digest = '' } of layers) rmSync(blob(digest));
      for (const [i, reference] of references.entries()) {
        const { tree, codes } = await extracted(reference);
        expect(treeDifferences(before[i]?.tree as Tree, tree)).toEqual([]);
        expect(codes).toContain('DIMGX_SOURCE_UNVERIFIED');
        expect(codes).not.toContain('DIMGX_CONTAINER_NO_MARKS');
      }
      await using image = await openImage(references[0] as string);
      expect(image.layers.map(({ diffId, problem }) => [diffId, problem])).toEqual(
        IMAGE.layers.map((layer) => [diffIdOf(layer), undefined]),
      );
      expect(image.manifestDigest).toBe(manifest.digest);
    });

    test('has the layers of its image, and its changes on top', async () => {
      const { folder, folders } = await withContainer();
      writeFileSync(join(folders[2] as string, 'new'), 'new');
      await using image = await openImage(`containerd-root:${folder}:container/web`);
      expect(image.container).toMatchObject({ id: 'web-1', names: ['web'], status: 'unknown' });
      expect(image.layers.map(({ containerId }) => containerId)).toEqual([undefined, undefined, 'web-1']);
      expect(image.tags).toEqual([NAME]);
    });
  },
);

describe.runIf(process.platform === 'linux')('a container in containerd', () => {
  test('is listed', async () => {
    const { folder, folders } = await withContainer();
    writeFileSync(join(folders[2] as string, 'new'), 'new');
    const { containers } = await listImages(`containerd-root:${folder}`);
    expect(containers).toMatchObject([{ id: 'web-1', names: ['web'], image: NAME, size: 3 }]);
  });

  test('is looked for in its namespace', async () => {
    const { folder } = await withContainer();
    for (const name of ['other/container/web', 'default/container/nothing', 'container/x']) {
      await expect(openImage(`containerd-root:${folder}:${name}`)).rejects.toMatchObject({
        code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
        message: expect.stringContaining('has no container'),
      });
    }
  });

  test('that is gone is missed as a container, also where there are no images', async () => {
    const store = new ContainerdStore();
    store.container('default', 'c1', {});
    const { folder } = await store.write();
    const empty = await new ContainerdStore().write();
    for (const place of [folder, empty.folder]) {
      for (const name of ['container/gone', 'default/container/gone', 'layer/12', 'container/']) {
        await expect(openImage(`containerd-root:${place}:${name}`), name).rejects.toMatchObject({
          code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
          message: expect.stringMatching(/has no (?:container "(?:gone)?"|layer "12")$/),
        });
      }
    }
  });

  test('without its snapshot is listed with the reason, and refused', async () => {
    const store = new ContainerdStore();
    store.container('default', 'c1', {});
    store.container('default', 'c2', { snapshotter: 'stargz' });
    const { folder } = await store.write();
    expect((await listImages(folder)).containers).toMatchObject([
      { id: 'c1', problem: { code: 'DIMGX_STORE_DAMAGED' } },
      { id: 'c2', problem: { code: 'DIMGX_SOURCE_UNSUPPORTED' } },
    ]);
    await expect(openImage(`containerd-root:${folder}:container/c2`)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_UNSUPPORTED',
      message: expect.stringContaining('"stargz"'),
    });
  });
});
