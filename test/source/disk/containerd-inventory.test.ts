import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findPathOwner } from '#dimgx/source/find-path-owner.js';
import { listImages } from '#dimgx/source/list-images.js';
import { openImage } from '#dimgx/source/resolve.js';
import { sha256 } from '../../helpers/built-image.js';
import { ContainerdStore } from '../../helpers/containerd-store.js';
import { chainId } from '../../helpers/engine-stores.js';
import { flattenImage } from '../../helpers/flatten-image.js';
import { temporaryFolder } from '../../helpers/members.js';
import { readTar } from '../../helpers/read-tar.js';
import { runDimgx } from '../../helpers/run-dimgx.js';
import { APP, DOWNLOAD, OLD, wornContainerd } from '../../helpers/worn-containerd.js';

const worn = async () => {
  const folder = await temporaryFolder();
  return { ...(await wornContainerd({ into: folder })), folder, reference: `containerd-root:${folder}` };
};
const namesIn = (tar: Buffer) => readTar(tar).flatMap(({ name }) => (name === './' ? [] : [name]));

describe.runIf(process.platform === 'linux')('what nothing uses in containerd', () => {
  test('is listed by its kind, with an ID, its size and its time', async () => {
    const { folder, reference, path, blobs, content } = await worn();
    const { leftovers = [], containers = [] } = await listImages(folder);
    const hexes = [blobs.unused, blobs.expired].map((digest) => digest.slice(7));
    expect(leftovers.map(({ kind, id, path: at, size, isLayer }) => [kind, id, at, size, isLayer])).toEqual([
      ['unused layer', 'overlayfs/4', path('overlayfs', 4), 3, true],
      ['lost container', 'overlayfs/5', path('overlayfs', 5), 5, true],
      ['incomplete layer', 'overlayfs/6', path('overlayfs', 6), 0, true],
      ['lost folder', 'overlayfs/9', path('overlayfs', 9), undefined, false],
      ['orphaned folder', 'overlayfs/20', path('overlayfs', 20), 5, true],
      ['half-deleted layer', 'overlayfs/new-77', path('overlayfs', 'new-77'), 0, true],
      ['half-deleted layer', 'overlayfs/rm-78', path('overlayfs', 'rm-78'), 0, true],
      ['lost container', 'native/2', path('native', 2), 16, true],
      ...hexes.sort().map((hex) => ['unused blob', hex, `${content}/blobs/sha256/${hex}`, expect.any(Number), false]),
      ['unfinished download', DOWNLOAD, `${content}/ingest/${DOWNLOAD}`, 10, false],
    ]);
    for (const { kind, modified } of leftovers) if (kind !== 'lost folder') expect(modified).toMatch(/^20\d\d-.*Z$/);
    expect(containers.map(({ id }) => id)).toEqual(['web-1']);
    const { stdout } = await runDimgx('images', '--json', reference);
    expect(JSON.parse(stdout).leftovers).toHaveLength(leftovers.length);
    expect((await runDimgx('images', reference)).stdout).toMatch(/^overlayfs\/4 +unused layer +\S.* 3 B +io\.cont/m);
  });

  test('is nothing in a storage in use', async () => {
    const folder = await temporaryFolder();
    const store = new ContainerdStore();
    store.name('default', 'docker.io/library/app:1', store.index([store.manifest(APP)]));
    store.snapshot('default', `sha256:${chainId(APP, 0)}`, { id: 1, kind: 'committed' });
    mkdirSync(join(folder, 'io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs'), { recursive: true });
    await store.write(folder);
    expect((await listImages(folder)).leftovers).toEqual([]);
  });

  test('is found without the database of names: images are then known by their documents', async () => {
    const { folder, database, manifest, blobs, path } = await worn();
    for (const damage of [() => writeFileSync(database, 'no database'), () => rmSync(database)]) {
      damage();
      const { leftovers = [] } = await listImages(folder);
      const ids = leftovers.map(({ id }) => id);
      expect(ids).toEqual(expect.arrayContaining(['overlayfs/3', 'overlayfs/4', blobs.unused.slice(7)]));
      expect(ids).not.toContain('overlayfs/1');
      const owner = await findPathOwner(folder, `${path('overlayfs', 2)}/fs/app`);
      expect(owner.images).toMatchObject([{ names: [], layer: 2 }]);
      expect(ids).not.toContain(manifest.digest.slice(7));
    }
  });
});

describe.runIf(process.platform === 'linux')('a snapshot by its ID', () => {
  test('has the tree of those below it', async () => {
    const { folder, reference } = await worn();
    for (const id of ['overlayfs/5', '5', 'default/gone']) {
      const { tar, warnings } = await flattenImage(`${reference}:layer/${id}`);
      expect(namesIn(tar), id).toEqual(expect.arrayContaining(['old', 'own']));
      expect(warnings.map(({ code, count }) => [code, count])).toEqual([['DIMGX_SOURCE_UNVERIFIED', 2]]);
    }
    for (const id of [chainId(OLD, 0), `sha256:${chainId(OLD, 0)}`, chainId(OLD, 0).slice(0, 9)]) {
      expect(namesIn((await flattenImage(`${reference}:layer/${id}`)).tar), id).toEqual(['old']);
    }
    const orphan = await flattenImage(folder, { image: 'layer/overlayfs/20' });
    expect(namesIn(orphan.tar)).toEqual(['own']);
    expect(orphan.warnings[0]?.message).toContain('what lies below it is not recorded');
    await using image = await openImage(`${reference}:layer/overlayfs/5`);
    expect(image.source.transport).toBe('containerd-root');
    expect(image.layers.map(({ containerId }) => containerId)).toEqual([undefined, 'gone']);
  });

  test('of the snapshotter native is the whole tree', async () => {
    const { reference } = await worn();
    const { tar } = await flattenImage(`${reference}:layer/native/2`);
    expect(namesIn(tar)).toEqual(expect.arrayContaining(['etc/passwd', 'own']));
    await using image = await openImage(`${reference}:layer/native/2`);
    expect(image.layers).toHaveLength(1);
  });

  test('that is missing, or means several, is an error', async () => {
    const { reference } = await worn();
    const open = (id: string) => openImage(`${reference}:layer/${id}`);
    for (const id of ['99', 'overlayfs/99', 'overlayfs/', '../../x', '', 'overlayfs/other', 'new', '-init']) {
      await expect(open(id), id).rejects.toMatchObject({
        code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
        message: expect.stringContaining('has no layer'),
      });
    }
    for (const id of ['2', 'gone']) await expect(open(id)).rejects.toMatchObject({ code: 'DIMGX_SOURCE_AMBIGUOUS' });
  });

  test('that lies on what is missing, or is a link, is damaged', async () => {
    const { folder, reference, folderOf } = await worn();
    rmSync(join(folderOf('overlayfs', 4), '..'), { recursive: true });
    symlinkSync('/etc', join(folderOf('overlayfs', 20), '../../21'));
    const store = new ContainerdStore();
    for (const id of ['overlayfs/5', 'overlayfs/21']) {
      await expect(flattenImage(`${reference}:layer/${id}`), id).rejects.toMatchObject({
        code: 'DIMGX_STORE_DAMAGED',
      });
    }
    store.snapshot('default', 'alone', { id: 5, parent: 'nobody' });
    await store.write(folder);
    await expect(openImage(`${reference}:layer/alone`)).rejects.toMatchObject({
      code: 'DIMGX_STORE_DAMAGED',
      message: expect.stringContaining('default/6/nobody'),
    });
  });
});

describe.runIf(process.platform === 'linux')('a path of containerd', () => {
  test('belongs to the images and the containers that use the snapshot', async () => {
    const { folder, reference, path, index } = await worn();
    const owner = await findPathOwner(reference, `${path('overlayfs', 1)}/fs/etc/passwd`);
    expect(owner).toEqual({
      ...{ kind: 'layer', id: 'overlayfs/1', path: 'etc/passwd', isHeld: false },
      images: [
        {
          ...{ id: index.digest.slice(7), names: ['default/docker.io/library/app:1'], namespace: 'default' },
          ...{ part: 'layer', layer: 1 },
        },
      ],
      containers: [{ id: 'web-1', names: ['web'], namespace: 'default' }],
    });
    for (const text of [`${folder}/${path('overlayfs', 2)}/fs`, chainId(APP, 1), 'overlayfs/2']) {
      expect((await findPathOwner(folder, text)).images).toMatchObject([{ layer: 2 }]);
    }
    const changes = await findPathOwner(reference, `/var/lib/containerd/${path('overlayfs', 3)}/fs/x`);
    expect(changes).toMatchObject({
      kind: 'changes of a container',
      path: 'x',
      images: [],
      containers: [{ id: 'web-1' }],
    });
    const native = await findPathOwner(reference, `${path('native', 1)}/etc/passwd`);
    expect(native).toMatchObject({ id: 'native/1', path: 'etc/passwd', images: [{ namespace: 'other', layer: 1 }] });
    const { stdout } = await runDimgx('whose', reference, `${path('overlayfs', 1)}/fs/etc/passwd`);
    expect(stdout).toMatch(
      /^image: +default\/docker\.io\/library\/app:1 [0-9a-f]{12} \(namespace default, layer @1\)$/m,
    );
    expect(stdout).toMatch(/^container: +web web-1 \(namespace default\)$/m);
  });

  test('belongs to the images whose index, manifest, config or layer a blob is', async () => {
    const { reference, content, index, manifest, store } = await worn();
    const { config, layers } = JSON.parse(String(store.members[`blobs/sha256/${manifest.digest.slice(7)}`]));
    const partOf = async (digest: string) => {
      const blob = `/var/lib/containerd/${content}/blobs/sha256/${digest.slice(7)}`;
      const [byPath, byDigest] = [await findPathOwner(reference, blob), await findPathOwner(reference, digest)];
      expect(byDigest).toEqual(byPath);
      expect(byPath).toMatchObject({ kind: 'blob', id: digest.slice(7), containers: [], isHeld: false });
      return byPath.images.map(({ namespace, part, layer }) => [namespace, part, layer]);
    };
    expect(await partOf(index.digest)).toEqual([['default', 'index', undefined]]);
    const both = (part: string, layer?: number) => [
      ['default', part, layer],
      ['other', part, layer],
    ];
    expect(await partOf(manifest.digest)).toEqual(both('manifest'));
    expect(await partOf(config.digest)).toEqual(both('config'));
    expect(await partOf(layers[1].digest)).toEqual(both('layer', 2));
    const { stdout } = await runDimgx('whose', '--json', reference, config.digest);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ kind: 'blob', held: false, leftover: null, path: null },
      images: [{ namespace: 'default', part: 'config', layer: null }, { names: ['other/docker.io/library/same:2'] }],
    });
  });

  test('names the leftover that it is, as the listing does', async () => {
    const { folder, reference } = await worn();
    const { leftovers = [] } = await listImages(folder);
    for (const { kind, id, path } of leftovers) {
      for (const text of [path, `${folder}/${path}`, `/var/lib/containerd/${path}`, id]) {
        const owner = await findPathOwner(reference, text);
        expect(owner, text).toMatchObject({ images: [], containers: [], isHeld: false, leftover: { kind, id } });
      }
    }
    const download = await findPathOwner(reference, `io.containerd.content.v1.content/ingest/${DOWNLOAD}/data`);
    expect(download).toMatchObject({ kind: 'unfinished download', leftover: { id: DOWNLOAD } });
  });

  test('that a build cache or a download holds is no leftover', async () => {
    const { reference, path, blobs, content } = await worn();
    const texts = [7, 8, 10, 11].map((id) => path('overlayfs', id));
    const held = [blobs.leased, blobs.referred, blobs.root].map(
      (digest) => `${content}/blobs/${digest.replace(':', '/')}`,
    );
    for (const text of [...texts, ...held]) {
      const owner = await findPathOwner(reference, text);
      expect(owner, text).toMatchObject({ images: [], containers: [], isHeld: true });
      expect(owner.leftover, text).toBeUndefined();
    }
  });

  test('that is none of them is refused', async () => {
    const { reference, content } = await worn();
    const none = [
      ...[
        'io.containerd.snapshotter.v1.overlayfs/snapshots/99/fs',
        'io.containerd.snapshotter.v1.overlayfs/metadata.db',
      ],
      ...[
        `${content}/blobs/sha256/${sha256('nothing')}`,
        `${content}/blobs/sha256/x`,
        `${content}/ingest/${'0'.repeat(64)}`,
      ],
      ...['/etc/passwd', sha256('nothing'), 'ff..', '99'],
    ];
    for (const text of none) {
      await expect(findPathOwner(reference, text), text).rejects.toMatchObject({ code: 'DIMGX_SOURCE_NOT_FOUND' });
    }
  });
});

describe.runIf(process.platform === 'linux')("Docker's storage in containerd", () => {
  test('knows whose a path is, and what is left', async () => {
    const folder = await temporaryFolder();
    const id = sha256('a container');
    const { path } = await wornContainerd({ into: join(folder, 'containerd/daemon'), namespace: 'moby', key: id });
    mkdirSync(join(folder, 'containers', id), { recursive: true });
    const config = { ID: id, Name: '/web', Driver: 'overlayfs', State: { Running: false } };
    writeFileSync(join(folder, 'containers', id, 'config.v2.json'), JSON.stringify(config));
    for (const reference of [folder, `docker-root:${folder}`]) {
      const { containers = [], leftovers = [] } = await listImages(reference);
      expect(containers.map(({ names }) => names)).toEqual([['web']]);
      expect(leftovers.map((each) => each.id)).toEqual(
        expect.arrayContaining(['overlayfs/4', 'overlayfs/5', DOWNLOAD]),
      );
      expect(leftovers.map((each) => each.id)).not.toContain('overlayfs/3');
      const own = await findPathOwner(reference, `/var/lib/docker/containerd/daemon/${path('overlayfs', 3)}/fs/x`);
      expect(own).toMatchObject({ path: 'x', images: [], containers: [{ id, names: ['web'] }] });
      const base = await findPathOwner(reference, `containerd/daemon/${path('overlayfs', 1)}/fs/etc/passwd`);
      expect(base.images).toMatchObject([{ names: ['docker.io/library/app:1'], layer: 1 }]);
      expect(base.images[0]?.namespace).toBeUndefined();
      expect(await findPathOwner(reference, `containers/${id}/hosts`)).toMatchObject({
        containers: [{ names: ['web'] }],
      });
    }
    await using image = await openImage(`docker-root:${folder}:layer/native/2`);
    expect(image.source.transport).toBe('docker-root');
    // Without its document, the container is lost.
    rmSync(join(folder, 'containers', id), { recursive: true });
    const { leftovers = [] } = await listImages(folder);
    expect(leftovers).toContainEqual(expect.objectContaining({ kind: 'lost container', id: 'overlayfs/3' }));
  });

  test('keeps stopped containers in namespaces of Docker, whose records are elsewhere', async () => {
    const folder = await temporaryFolder();
    const store = new ContainerdStore();
    const id = sha256('a container');
    store.snapshot('moby', id, { id: 1 });
    store.snapshot('moby', 'k3v9q2m7x1c8b5n4z6l0j2h7g', { id: 2 });
    for (const each of [1, 2])
      mkdirSync(join(folder, `io.containerd.snapshotter.v1.overlayfs/snapshots/${each}/fs`), { recursive: true });
    await store.write(folder);
    const { containers = [], leftovers = [] } = await listImages(`containerd-root:${folder}`);
    expect(containers.map((each) => each.id)).toEqual([id]);
    expect(leftovers.map((each) => each.id)).toEqual(['overlayfs/2']);
  });
});
