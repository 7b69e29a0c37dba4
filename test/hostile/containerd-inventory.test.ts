import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findPathOwner } from '#dimgx/source/find-path-owner.js';
import { listImages } from '#dimgx/source/list-images.js';
import { openImage } from '#dimgx/source/resolve.js';
import { sha256 } from '../helpers/built-image.js';
import { ContainerdStore } from '../helpers/containerd-store.js';
import { temporaryFolder } from '../helpers/members.js';
import { APP, wornContainerd } from '../helpers/worn-containerd.js';

const [BLOBS, INGEST] = ['blobs/sha256', 'ingest'].map((name) => `io.containerd.content.v1.content/${name}`) as [
  string,
  string,
];

describe.runIf(process.platform === 'linux')('a hostile storage of containerd', () => {
  test('has indexes that contain themselves and each other', async () => {
    const folder = await temporaryFolder();
    const store = new ContainerdStore();
    const manifest = store.manifest(APP);
    const [one, other] = ['one', 'other'].map((name) => `sha256:${sha256(name)}`) as [string, string];
    const index = { mediaType: 'application/vnd.oci.image.index.v1+json', size: 1 };
    store.name('default', 'docker.io/library/loop:1', { ...index, digest: one });
    await store.write(folder);
    const manifests = [one, other].map((digest) => ({ ...index, digest })).concat(manifest);
    for (const digest of [one, other])
      writeFileSync(join(folder, BLOBS, digest.slice(7)), JSON.stringify({ schemaVersion: 2, manifests }));
    const owner = await findPathOwner(folder, `${BLOBS}/${manifest.digest.slice(7)}`);
    expect(owner.images).toMatchObject([{ part: 'manifest' }]);
    expect((await findPathOwner(folder, other)).images).toMatchObject([{ part: 'index' }]);
  });

  test('has FIFOs, links and folders in place of blobs and downloads, which are never opened', async () => {
    const folder = await temporaryFolder();
    const { index } = await wornContainerd({ into: folder });
    const names = ['fifo', 'link', 'folder'].map(sha256) as [string, string, string];
    for (const place of [BLOBS, INGEST]) {
      execFileSync('mkfifo', [join(folder, place, names[0])]);
      symlinkSync('/etc', join(folder, place, names[1]));
      mkdirSync(join(folder, place, names[2]));
    }
    rmSync(join(folder, BLOBS, index.digest.slice(7)));
    execFileSync('mkfifo', [join(folder, BLOBS, index.digest.slice(7))]);
    const { leftovers = [] } = await listImages(folder);
    const sizes = leftovers.filter(({ id }) => names.includes(id)).map(({ kind, size }) => [kind, size]);
    const times = (kind: string) => Array(3).fill([kind, undefined]);
    expect(sizes).toEqual([...times('unused blob'), ...times('unfinished download')]);
    for (const id of names)
      expect((await findPathOwner(folder, `${INGEST}/${id}/data`)).leftover).toMatchObject({ id });
  });

  test('has documents that are none, and keys that are paths', async () => {
    const folder = await temporaryFolder();
    const store = new ContainerdStore();
    const bad = [null, [], { manifests: {} }, { manifests: [null, { digest: 1 }] }, { config: 1, layers: [{}] }];
    for (const [i, document] of bad.entries())
      store.name('default', `docker.io/library/bad:${i}`, store.json(document, 'application/json'));
    store.snapshot('default', '../../../etc', { id: 1 });
    store.lease('default', '../x', { blobs: ['sha256:x', '../..'], snapshots: ['../..'] });
    store.container('default', '../y', { key: '../../../etc', snapshotter: '../overlayfs' });
    await store.write(folder);
    const { leftovers = [] } = await listImages(folder);
    expect(leftovers.map(({ kind, id }) => [kind, id])).toEqual([['lost folder', 'overlayfs/1']]);
    await expect(openImage(`containerd-root:${folder}:layer/../../../etc`)).rejects.toMatchObject({
      code: 'DIMGX_STORE_DAMAGED',
    });
  });
});
