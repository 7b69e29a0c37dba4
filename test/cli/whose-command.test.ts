import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findPathOwner } from '#dimgx/source/find-path-owner.js';
import { imageIdOf } from '../helpers/built-image.js';
import { addDockerContainer, addStorageContainer } from '../helpers/container-stores.js';
import { chainId, containersStore, dockerStore, type StoredImageSpec } from '../helpers/engine-stores.js';
import { rawLayer } from '../helpers/raw-layer.js';
import { runDimgx } from '../helpers/run-dimgx.js';
import { sampleImage } from '../helpers/sample-image.js';

const BASE = rawLayer([{ name: 'etc/passwd', content: 'root:x:0:0\n' }]);
const APP: StoredImageSpec = { tags: ['app:1'], layers: [BASE, rawLayer([{ name: 'app', content: 'a' }])] };
const OTHER: StoredImageSpec = { tags: ['other:2'], layers: [BASE], config: { author: 'x' } };

async function docker() {
  const store = await dockerStore([APP, OTHER]);
  const web = addDockerContainer(store.folder, { name: 'web', image: APP });
  const below = (path: string) => path.slice(store.folder.length + 1);
  return { store, web, below, reference: `docker-root:${store.folder}` };
}

describe.runIf(process.platform === 'linux')('dimgx whose', () => {
  test('names the images and the containers that use a layer, and the path in the tree', async () => {
    const { store, below, reference } = await docker();
    const base = `${below(store.layerFolder(APP, 0))}/etc/passwd`;
    for (const path of [base, `${store.folder}/${base}`, `/var/lib/docker/${base}`, `//var/lib/docker//${base}/`]) {
      const owner = await findPathOwner(reference, path);
      expect(owner).toMatchObject({ kind: 'layer', path: 'etc/passwd' });
      expect(owner.images.flatMap(({ names }) => names).sort()).toEqual(['app:1', 'other:2']);
      expect(owner.containers).toMatchObject([{ names: ['web'] }]);
    }
  });

  test('knows what was prepared for a container, its changes and its documents', async () => {
    const { web, below, reference } = await docker();
    const found = async (path: string) => {
      const { kind, images, containers } = await findPathOwner(reference, path);
      expect({ images, containers }).toMatchObject({ images: [], containers: [{ id: web.id, names: ['web'] }] });
      return kind;
    };
    expect(await found(`${below(web.prepared)}/etc/hosts`)).toBe('prepared for a container');
    expect(await found(below(web.changes))).toBe('changes of a container');
    expect(await found(`containers/${web.id}/${web.id}-json.log`)).toBe('documents of a container');
    expect(await found('/var/lib/docker/volumes/v/_data/file')).toBe('volume');
  });

  test('knows short names, IDs, and documents of layers and images', async () => {
    const { store, web, below, reference } = await docker();
    const id = below(web.changes).split('/')[1] ?? '';
    mkdirSync(join(store.folder, 'overlay2/l'));
    symlinkSync(`../${id}/diff`, join(store.folder, 'overlay2/l/ABCDEFGHIJKLMNOPQRSTUVWXYZ'));
    symlinkSync('../../../etc', join(store.folder, 'overlay2/l/OUT'));
    expect(await findPathOwner(reference, 'overlay2/l/ABCDEFGHIJKLMNOPQRSTUVWXYZ/new')).toMatchObject({
      id,
      path: 'new',
    });
    for (const link of ['ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'l/ABCDEFGHIJKLMNOPQRSTUVWXYZ']) {
      expect(await findPathOwner(reference, link)).toMatchObject({ id, kind: 'changes of a container' });
    }
    expect(await findPathOwner(reference, imageIdOf(OTHER))).toMatchObject({ images: [{ names: ['other:2'] }] });
    expect(await findPathOwner(reference, id.slice(0, 12))).toMatchObject({ id, kind: 'changes of a container' });
    const record = `image/overlay2/layerdb/sha256/${chainId(APP, 1)}/tar-split.json.gz`;
    expect(await findPathOwner(reference, record)).toMatchObject({
      kind: 'documents of a layer',
      images: [{ names: ['app:1'] }],
    });
    const config = `image/overlay2/imagedb/content/sha256/${imageIdOf(OTHER)}`;
    expect(await findPathOwner(reference, config)).toMatchObject({
      kind: 'documents of an image',
      images: [{ names: ['other:2'] }],
    });
    await expect(findPathOwner(reference, 'overlay2/l/OUT/passwd')).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_NOT_FOUND',
    });
  });

  test('says that nothing uses a leftover', async () => {
    const { store, reference } = await docker();
    mkdirSync(join(store.folder, 'overlay2', 'f'.repeat(64), 'diff'), { recursive: true });
    const owner = await findPathOwner(reference, `overlay2/${'f'.repeat(64)}/diff/x`);
    expect(owner).toMatchObject({ path: 'x', images: [], containers: [] });
    const { stdout } = await runDimgx('whose', reference, `overlay2/${'f'.repeat(64)}`);
    expect(stdout).toContain('used by:   nothing\n');
  });

  test('knows the storage of Podman', async () => {
    const image = { ...APP, tags: ['localhost/app:1'] };
    const store = await containersStore([image]);
    const web = addStorageContainer(store.folder, { name: 'web', image });
    writeFileSync(join(web.changes, 'x'), '');
    const reference = `containers-storage:[${store.folder}]`;
    const { stdout, code } = await runDimgx(
      'whose',
      '--json',
      reference,
      `${web.changes}/x`,
      `overlay-containers/${web.id}/userdata/ctr.log`,
    );
    expect(code).toBe(0);
    const [first, second] = stdout
      .trim()
      .split(/\n(?=\{)/)
      .map((text) => JSON.parse(text));
    expect(first).toMatchObject({ kind: 'changes of a container', path: 'x', containers: [{ names: ['web'] }] });
    expect(second).toMatchObject({ kind: 'documents of a container', containers: [{ names: ['web'] }] });
  });

  test('refuses what is not in a storage', async () => {
    const { reference } = await docker();
    expect(await runDimgx('whose', reference, '/etc/passwd')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^dimgx: DIMGX_SOURCE_NOT_FOUND: [^\n]*\n$/),
    });
    expect(await runDimgx('whose', reference)).toMatchObject({ code: 1 });
    expect(await runDimgx('whose', await sampleImage(), 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('DIMGX_SOURCE_UNSUPPORTED'),
    });
  });
});
