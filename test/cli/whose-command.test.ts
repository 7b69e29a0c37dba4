import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findPathOwner } from '#dimgx/source/find-path-owner.js';
import { listImages } from '#dimgx/source/list-images.js';
import { boltFile } from '../helpers/bolt-file.js';
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

  test('resolves .. before it asks whose a path is', async () => {
    const { store, web, below, reference } = await docker();
    const changes = below(web.changes);
    const base = below(store.layerFolder(APP, 0));
    for (const path of [`${changes}/../../../${base}/./etc/passwd`, `/x/../var/lib/docker/${base}/usr/../etc/passwd`]) {
      expect(await findPathOwner(reference, path)).toMatchObject({ kind: 'layer', path: 'etc/passwd' });
    }
    const outside = [
      `/var/lib/docker/${changes}/../../../../../../etc/passwd`,
      `${changes}/../../../etc/passwd`,
      `containers/${web.id}/../../../../etc/containers/${web.id}/x`,
      `volumes/v/../../../volumes/v/_data/x`,
      '..',
      '.',
      '',
    ];
    for (const path of outside) {
      await expect(findPathOwner(reference, path), path).rejects.toMatchObject({ code: 'DIMGX_SOURCE_NOT_FOUND' });
    }
  });

  test('says that a path is in the merged tree', async () => {
    const { store, web, below, reference } = await docker();
    const changes = below(web.changes);
    for (const path of [`${changes}/../merged/bin/sh`, changes.replace(/diff$/, 'merged/bin/sh')]) {
      expect(await findPathOwner(reference, path)).toMatchObject({
        ...{ kind: 'merged tree', path: 'bin/sh' },
        containers: [{ names: ['web'] }],
      });
    }
    const { folder } = store;
    expect((await runDimgx('whose', `docker-root:${folder}`, `${changes}/../merged/bin/sh`)).stdout).toMatch(
      /^kind: +merged tree\n(?:.*\n)*path: +\/bin\/sh\n/,
    );
    expect(await findPathOwner(reference, `${changes}/merged/x`)).toMatchObject({ kind: 'changes of a container' });
    const vfs = await dockerStore([APP], { driver: 'vfs' });
    const tree = addDockerContainer(vfs.folder, { name: 'web', image: APP }, 'vfs').changes;
    expect(await findPathOwner(`docker-root:${vfs.folder}`, `${tree}/merged/x`)).toMatchObject({
      ...{ kind: 'changes of a container', path: 'merged/x' },
    });
  });

  test('says where a container has a volume', async () => {
    const { reference } = await docker();
    const { containers } = await findPathOwner(reference, 'volumes/v/_data/file');
    expect(containers).toMatchObject([{ names: ['web'], destinations: ['/data'] }]);
    const { stdout } = await runDimgx('whose', reference, 'volumes/v/_data/file');
    expect(stdout).toMatch(/^container: +web [0-9a-f]{12} \(at \/data\)$/m);
    const json = await runDimgx('whose', '--json', reference, 'volumes/v');
    expect(JSON.parse(json.stdout).containers).toMatchObject([{ destinations: ['/data'] }]);
  });

  test('shows bytes that are not UTF-8 as \\xNN', async () => {
    const { web, below, reference } = await docker();
    const changes = below(web.changes);
    const script = `exec "$0" bin/dimgx.js whose --json "$1" "$2/caf$(printf '\\351')" "$2/caf$(printf '\\352')" "$2/caf\u00e9" "$2/caf\ufffd"`;
    const out = execFileSync('sh', ['-c', script, process.execPath, reference, changes], { encoding: 'utf8' });
    const documents = out.trim().split(/\n(?=\{)/);
    expect(documents.map((text) => JSON.parse(text).path)).toEqual(['caf\\xe9', 'caf\\xea', 'caf\u00e9', 'caf\ufffd']);
    expect(JSON.parse(documents[0] ?? '').given).toBe(`${changes}/caf\\xe9`);
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
    expect(stdout).toMatch(/^used by: +nothing\nleftover: +orphaned folder f{64}\n$/m);
  });

  test('says which layer of an image it is, counted from the base', async () => {
    const { store, below, reference } = await docker();
    const top = below(store.layerFolder(APP, 1));
    expect((await findPathOwner(reference, top)).images).toMatchObject([{ names: ['app:1'], layer: 2 }]);
    const { stdout } = await runDimgx('whose', reference, top);
    expect(stdout).toMatch(/^image: +app:1 [0-9a-f]{12} \(layer @2\)$/m);
    const podman = await containersStore([{ ...APP, tags: ['localhost/app:1'] }]);
    const layers = [0, 1].map((i) => podman.layerFolder(APP, i).slice(podman.folder.length + 1));
    const owners = await Promise.all(
      layers.map((path) => findPathOwner(`containers-storage:[${podman.folder}]`, path)),
    );
    expect(owners.map(({ images }) => images[0]?.layer)).toEqual([1, 2]);
  });

  test('names every leftover as the listing does, by its path and by its ID', async () => {
    const { store, web, reference } = await docker();
    rmSync(join(store.folder, 'containers', web.id), { recursive: true });
    rmSync(join(store.folder, 'image/overlay2/imagedb/content/sha256', imageIdOf(APP)));
    const records = join(store.folder, 'image/overlay2/layerdb');
    renameSync(join(records, 'sha256', chainId(APP, 1)), join(records, `sha256/${chainId(APP, 1)}-1-removing`));
    mkdirSync(join(records, 'tmp/write-set-7'), { recursive: true });
    const podman = await containersStore([{ ...APP, tags: ['localhost/app:1'] }]);
    const list = join(podman.folder, 'overlay-layers/layers.json');
    const layers = JSON.parse(readFileSync(list, 'utf8'));
    const id = (digit: string) => digit.repeat(64);
    const more = [{ id: id('1'), flags: { incomplete: true } }, { id: id('2') }, { id: id('3') }];
    writeFileSync(list, JSON.stringify([...layers, ...more]));
    for (const digit of '124') mkdirSync(join(podman.folder, `overlay/${id(digit)}/diff`), { recursive: true });
    writeFileSync(join(podman.folder, `overlay-layers/${id('5')}.tar-split.gz`), '');
    mkdirSync(join(podman.folder, `overlay-images/${id('6')}`));
    mkdirSync(join(podman.folder, `overlay-containers/${id('7')}`), { recursive: true });
    for (const [place, folder] of [
      [reference, store.folder],
      [`containers-storage:[${podman.folder}]`, podman.folder],
    ] as const) {
      const { leftovers = [] } = await listImages(place);
      expect(leftovers.length).toBeGreaterThan(3);
      for (const { kind, id: leftover, path } of leftovers) {
        for (const text of [path, `${folder}/${path}/diff/x`]) {
          const owner = await findPathOwner(place, text);
          expect(owner, text).toMatchObject({ images: [], containers: [], isHeld: false });
          expect(owner.leftover, text).toEqual({ kind, id: leftover });
        }
      }
      const [first] = leftovers;
      const { stdout } = await runDimgx('whose', '--json', place, first?.path ?? '');
      expect(JSON.parse(stdout).leftover).toEqual({ kind: first?.kind, id: first?.id });
    }
  });

  test('says that the build cache uses what no image does', async () => {
    const { store, reference } = await docker();
    mkdirSync(join(store.folder, 'buildkit'));
    const own = 'k3v9q2m7x1c8b5n4z6l0j2h7g';
    mkdirSync(join(store.folder, 'overlay2', own, 'diff'), { recursive: true });
    writeFileSync(join(store.folder, 'buildkit/snapshots.db'), boltFile({ built: { committed: Buffer.from(own) } }));
    expect(await findPathOwner(reference, `overlay2/${own}/diff/x`)).toMatchObject({ isHeld: true });
    const { stdout } = await runDimgx('whose', reference, `overlay2/${own}`);
    expect(stdout).toMatch(/^used by: +the build cache, or a download$/m);
    expect(stdout).not.toContain('leftover');
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
