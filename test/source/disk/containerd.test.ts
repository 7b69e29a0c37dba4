import { execFileSync } from 'node:child_process';
import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Resources } from '#dimgx/base/io/resources.js';
import { limitsOf } from '#dimgx/base/limits.js';
import type { Digest } from '#dimgx/reference/digest.js';
import { containerdOrigins } from '#dimgx/source/disk/containerd/containerd-meta.js';
import { StoreFiles } from '#dimgx/source/disk/store-files.js';
import { listImages } from '#dimgx/source/list-images.js';
import { openImage } from '#dimgx/source/resolve.js';
import { type BuiltImage, diffIdOf, imageIdOf } from '../../helpers/built-image.js';
import { ContainerdStore } from '../../helpers/containerd-store.js';
import { dockerArchive } from '../../helpers/docker-archive.js';
import { flattenImage } from '../../helpers/flatten-image.js';
import { writeArchive } from '../../helpers/members.js';
import { rawLayer } from '../../helpers/raw-layer.js';

const BASE = rawLayer([
  { name: 'etc/passwd', content: 'root:x:0:0\n' },
  { name: 'big', content: 'b'.repeat(300_000) },
]);
const TOP = rawLayer([{ name: 'etc/passwd', content: 'other\n' }, { name: '.wh.big' }]);
const APP: BuiltImage = { layers: [BASE, TOP] };
const OTHER: BuiltImage = { layers: [BASE], config: { author: 'x' } };

const flat = async (image: BuiltImage) =>
  (await flattenImage(`docker-archive:${await writeArchive(dockerArchive([image]))}`)).tar;

/** A store with the two images: one known to Kubernetes, too, by several names. */
async function twoImages() {
  const store = new ContainerdStore();
  const [app, other] = [store.manifest(APP, { gzip: true }), store.manifest(OTHER)];
  store.name('default', 'docker.io/library/app:1', app);
  store.name('default', 'quay.io/x/other:2', other);
  store.name('k8s.io', 'docker.io/library/app:1', app);
  store.name('k8s.io', `docker.io/library/app@${app.digest}`, app);
  store.name('k8s.io', `sha256:${imageIdOf(APP)}`, app);
  return { ...(await store.write()), app, other };
}

describe.runIf(process.platform === 'linux')("containerd's storage", () => {
  test('flattens as the archive does', async () => {
    const { folder } = await twoImages();
    const { tar, warnings } = await flattenImage(`containerd-root:${folder}:app:1`);
    expect(tar.equals(await flat(APP))).toBe(true);
    expect(warnings).toEqual([]);
  });

  test('is recognised without its prefix', async () => {
    const { folder, app } = await twoImages();
    await using image = await openImage(folder, { image: 'app:1' });
    expect(image.source).toEqual({ transport: 'containerd-root', location: folder });
    expect(image.tags).toEqual(['docker.io/library/app:1']);
    expect(image.manifestDigest).toBe(app.digest);
  });

  test.each([
    ['a short name', 'app:1'],
    ['a full name', 'docker.io/library/app:1'],
    ['a name in a namespace', 'default/docker.io/library/app:1'],
    ['a short name in a namespace', 'k8s.io/app:1'],
    ['an ID in a namespace', `k8s.io/sha256:${imageIdOf(APP)}`],
    ['an ID', imageIdOf(APP)],
    ['the start of an ID', imageIdOf(APP).slice(0, 12)],
    ['a position', '@0'],
  ])('has an image by %s', async (_, name) => {
    const { folder } = await twoImages();
    await using image = await openImage(`containerd-root:${folder}:${name}`);
    expect(image.id).toBe(imageIdOf(APP));
  });

  test('has an image by its digest, with a name or without one', async () => {
    const store = new ContainerdStore();
    const [app, other] = [store.manifest(APP), store.manifest(OTHER)];
    store.name('default', 'app:1', app);
    const { folder } = await store.write();
    for (const [reference, image] of [
      [`@${app.digest}`, APP],
      [`:app@${app.digest}`, APP],
      [`@${other.digest}`, OTHER],
    ] as const) {
      await using opened = await openImage(`containerd-root:${folder}${reference}`);
      expect(opened.id).toBe(imageIdOf(image));
    }
    await expect(openImage(`containerd-root:${folder}@sha256:${'7'.repeat(64)}`)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
    });
  });

  test('with one name for two images needs a namespace', async () => {
    const store = new ContainerdStore();
    store.name('one', 'docker.io/library/app:1', store.manifest(APP));
    store.name('two', 'docker.io/library/app:1', store.manifest(OTHER));
    const { folder } = await store.write();
    await expect(openImage(`containerd-root:${folder}:app:1`)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_AMBIGUOUS',
      message: expect.stringMatching(/one\/docker\.io\/library\/app:1.*two\/docker\.io\/library\/app:1/),
    });
    await using image = await openImage(`containerd-root:${folder}:two/app:1`);
    expect(image.id).toBe(imageIdOf(OTHER));
  });

  test('is listed, each image once', async () => {
    const { folder, app, other } = await twoImages();
    const { source, images } = await listImages(`containerd-root:${folder}`);
    expect(source.transport).toBe('containerd-root');
    expect(images).toMatchObject([
      {
        number: 0,
        names: ['default/docker.io/library/app:1', 'k8s.io/docker.io/library/app:1'],
        digest: app.digest,
        isWhole: true,
      },
      { number: 1, names: ['default/quay.io/x/other:2'], digest: other.digest, isWhole: true },
    ]);
    expect(await listImages(`containerd-root:${folder}:quay.io/x/other:2`)).toMatchObject({ images: [{ number: 1 }] });
  });

  test('has the pulled platform of an index', async () => {
    const store = new ContainerdStore();
    const platform = (architecture: string) => ({ platform: { os: 'linux', architecture } });
    const app = { ...store.manifest(APP), ...platform('amd64') };
    const other = { ...store.manifest(OTHER), ...platform('s390x') };
    const index = store.index([other, app]);
    store.name('default', 'app:1', index);
    const written = await store.write();
    written.discard(other.digest);
    const { images } = await listImages(`containerd-root:${written.folder}`);
    expect(images).toMatchObject([
      { kind: 'index', digest: index.digest, isWhole: true },
      { kind: 'image', digest: app.digest, isWhole: true },
    ]);
    await using image = await openImage(`containerd-root:${written.folder}`, { platform: 'linux/amd64' });
    expect(image.id).toBe(imageIdOf(APP));
    await expect(openImage(written.folder, { platform: 'linux/s390x' })).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_MISSING_BLOB',
    });
  });

  test('says which layer containerd has discarded', async () => {
    const { folder, discard } = await twoImages();
    discard(diffIdOf(BASE));
    await using image = await openImage(`containerd-root:${folder}:quay.io/x/other:2`);
    expect(image.layers[0]?.problem).toMatchObject({
      code: 'DIMGX_SOURCE_MISSING_BLOB',
      message: expect.stringMatching(/discarded it after unpacking/),
    });
    const { images } = await listImages(folder);
    expect(images[1]).toMatchObject({ isWhole: false, missing: [diffIdOf(BASE)] });
  });

  test('remembers the registries that blobs came from', async () => {
    const store = new ContainerdStore();
    const app = store.manifest(APP);
    store.name('default', 'app:1', app);
    store.label('default', app.digest, {
      'containerd.io/distribution.source.docker.io': 'library/app,x/app',
      'containerd.io/uncompressed': 'sha256:1',
    });
    const { folder } = await store.write();
    const resources = new Resources();
    const files = await StoreFiles.open(folder, { resources, limits: limitsOf(undefined) });
    const digests = [app.digest, diffIdOf(BASE)] as Digest[];
    expect([...containerdOrigins(files, '', digests)]).toEqual([
      [app.digest, ['docker.io/library/app', 'docker.io/x/app']],
    ]);
    await resources.close();
  });
});

describe.runIf(process.platform === 'linux')("containerd's storage without its database", () => {
  const lost: Record<string, (path: string) => void> = {
    missing: (path) => rmSync(path),
    damaged: (path) => writeFileSync(path, 'x'.repeat(10_000)),
  };

  test.each(Object.entries(lost))('which is %s: images have digests', async (_, lose) => {
    const { folder, database, app, other } = await twoImages();
    lose(database);
    const warnings: string[] = [];
    const { images } = await listImages(folder, { onWarning: ({ code }) => void warnings.push(code) });
    expect(images.map(({ digest }) => digest).sort()).toEqual([app.digest, other.digest].sort());
    expect(warnings).toEqual(['DIMGX_STORE_NAMES_LOST']);
    const { tar } = await flattenImage(`containerd-root:${folder}@${app.digest}`);
    expect(tar.equals(await flat(APP))).toBe(true);
    await expect(openImage(folder, { strictInput: true })).rejects.toMatchObject({ code: 'DIMGX_STORE_NAMES_LOST' });
  });

  test('has the names that an index has', async () => {
    const store = new ContainerdStore();
    const annotations = { 'io.containerd.image.name': 'docker.io/library/app:1' };
    const app = { ...store.manifest(APP), annotations };
    store.index([app]);
    store.index([store.manifest(OTHER)]);
    const { folder, database } = await store.write();
    rmSync(database);
    await using image = await openImage(`containerd-root:${folder}:app:1`);
    expect(image.id).toBe(imageIdOf(APP));
    const { images } = await listImages(folder);
    expect(images.filter(({ names }) => names.length > 0)).toMatchObject([{ names: ['docker.io/library/app:1'] }]);
  });
});

describe.runIf(process.platform === 'linux')("containerd's storage of an attacker", () => {
  test('does not lead out by a link', async () => {
    const { folder, blob, app } = await twoImages();
    renameSync(blob(app.digest), `${folder}/manifest`);
    symlinkSync(`${folder}/manifest`, blob(app.digest));
    await expect(openImage(`containerd-root:${folder}:app:1`)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_BAD_MEMBER',
    });
    const content = `${folder}/io.containerd.content.v1.content`;
    renameSync(content, `${folder}/elsewhere`);
    symlinkSync('elsewhere', content);
    await expect(openImage(`containerd-root:${folder}:quay.io/x/other:2`)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_MISSING_BLOB',
    });
  });

  test('does not hang at a FIFO', async () => {
    const { folder, blob, app, database } = await twoImages();
    rmSync(blob(app.digest));
    execFileSync('mkfifo', [blob(app.digest)]);
    await expect(openImage(`containerd-root:${folder}:app:1`)).rejects.toMatchObject({
      code: 'DIMGX_SOURCE_BAD_MEMBER',
    });
    rmSync(database);
    expect((await listImages(folder)).images).toHaveLength(1);
  });

  test('has no altered manifest', async () => {
    const { folder, blob, app } = await twoImages();
    writeFileSync(blob(app.digest), '{"config":{},"layers":[]}');
    await expect(openImage(`containerd-root:${folder}:app:1`)).rejects.toMatchObject({
      code: expect.stringMatching(/^DIMGX_IMAGE_(DIGEST|SIZE)_MISMATCH$/),
    });
  });

  test('does not get a path through a digest', async () => {
    const store = new ContainerdStore();
    store.name('default', 'app:1', { ...store.manifest(APP), digest: 'sha256:../../../../etc/passwd' });
    const { folder } = await store.write();
    await expect(openImage(`containerd-root:${folder}:app:1`)).rejects.toMatchObject({
      code: 'DIMGX_IMAGE_BAD_DIGEST',
    });
  });
});
