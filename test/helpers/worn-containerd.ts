import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from './built-image.js';
import { ContainerdStore } from './containerd-store.js';
import { chainId, type StoredImageSpec } from './engine-stores.js';
import { rawLayer } from './raw-layer.js';

/** The image of the store. */
export const APP: StoredImageSpec = {
  layers: [rawLayer([{ name: 'etc/passwd', content: 'root:x:0:0\n' }]), rawLayer([{ name: 'app', content: 'a' }])],
};
/** A layer whose image was removed. */
export const OLD: StoredImageSpec = { layers: [rawLayer([{ name: 'old', content: 'old' }])] };

const PLACES = 'io.containerd.snapshotter.v1.';
const CONTENT = 'io.containerd.content.v1.content';
/** The name of the folder of a download: the digest of what the client calls it. */
export const DOWNLOAD = sha256('a download');

interface Shape {
  readonly into: string;
  /** Default: `default`. */
  readonly namespace?: string;
  /** Key of the snapshot of the container that is in use. */
  readonly key?: string;
}

/**
 * Writes the folder of a containerd that was used for a while: an image in two namespaces, which two snapshotters have
 * unpacked, a container, a build cache, and everything that can be left.
 */
export async function wornContainerd({ into, namespace = 'default', key = 'web' }: Shape) {
  const store = new ContainerdStore();
  const manifest = store.manifest(APP, { gzip: true });
  const absent = { ...manifest, digest: `sha256:${sha256('of another platform')}` };
  const index = store.index([{ ...manifest }, absent, store.attestation(manifest)]);
  store.name(namespace, 'docker.io/library/app:1', index);
  store.name(namespace, `docker.io/library/app@${index.digest}`, index);
  store.name('other', 'docker.io/library/same:2', manifest);
  const [base, top] = [0, 1].map((i) => `sha256:${chainId(APP, i)}`) as [string, string];
  const old = `sha256:${chainId(OLD, 0)}`;
  const blobs = Object.fromEntries(
    ['unused', 'leased', 'expired', 'referred', 'root'].map((name) => [name, store.blob(name, '').digest]),
  ) as Readonly<Record<'unused' | 'leased' | 'expired' | 'referred' | 'root', string>>;
  const commit = { kind: 'committed' } as const;
  store.snapshot(namespace, base, { id: 1, ...commit });
  store.snapshot(namespace, top, { id: 2, parent: base, ...commit });
  store.snapshot(namespace, key, { id: 3, parent: top });
  store.snapshot(namespace, old, { id: 4, ...commit });
  store.snapshot(namespace, 'gone', { id: 5, parent: old });
  store.snapshot(namespace, `extract-123-aB_ ${top}`, { id: 6, parent: base });
  store.snapshot(namespace, 'below', { id: 8, ...commit });
  store.snapshot(namespace, 'cache', { id: 7, parent: 'below' });
  store.snapshot(namespace, 'lost', { id: 9 });
  const refers = { 'containerd.io/gc.root': '1', 'containerd.io/gc.ref.snapshot.overlayfs': 'referred' };
  store.snapshot('other', 'root', { id: 10, labels: refers });
  store.snapshot('other', 'referred', { id: 11 });
  store.snapshot('other', base, { id: 1, snapshotter: 'native', ...commit });
  store.snapshot('other', 'gone', { id: 2, snapshotter: 'native', parent: base });
  store.container(namespace, 'web-1', { image: 'docker.io/library/app:1', key, labels: { 'nerdctl/name': 'web' } });
  store.lease(namespace, 'cache', { blobs: [blobs.leased], snapshots: ['cache'] });
  const day = { 'containerd.io/gc.expire': '2026-01-02T03:04:05Z' };
  store.lease(namespace, 'download', { blobs: [blobs.expired], snapshots: ['gone'], labels: day });
  store.label(namespace, manifest.digest, { 'containerd.io/gc.ref.content.x.0': blobs.referred });
  store.label(namespace, blobs.root, { 'containerd.io/gc.root': 'yes' });
  mkdirSync(into, { recursive: true });
  const written = await store.write(into);
  const folderOf = (snapshotter: 'overlayfs' | 'native', name: string | number) =>
    join(into, `${PLACES}${snapshotter}/snapshots/${name}${snapshotter === 'native' ? '' : '/fs'}`);
  for (const name of [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 20, 'new-77', 'rm-78', 'other', '..x'])
    mkdirSync(folderOf('overlayfs', name), { recursive: true });
  for (const name of [1, 2]) mkdirSync(folderOf('native', name), { recursive: true });
  const unpack = (layer: Buffer, folder: string) => execFileSync('tar', ['-x', '-C', folder], { input: layer });
  unpack(APP.layers[0] as Buffer, folderOf('overlayfs', 1));
  unpack(APP.layers[1] as Buffer, folderOf('overlayfs', 2));
  unpack(OLD.layers[0] as Buffer, folderOf('overlayfs', 4));
  for (const name of [1, 2]) unpack(APP.layers[0] as Buffer, folderOf('native', name));
  for (const folder of [5, 20].map((name) => folderOf('overlayfs', name)).concat(folderOf('native', 2)))
    writeFileSync(join(folder, 'own'), '12345');
  mkdirSync(join(into, CONTENT, 'ingest', DOWNLOAD), { recursive: true });
  writeFileSync(join(into, CONTENT, 'ingest', DOWNLOAD, 'data'), 'half of it');
  mkdirSync(join(into, CONTENT, 'ingest/other'));
  const path = (snapshotter: string, name: string | number) => `${PLACES}${snapshotter}/snapshots/${name}`;
  return { ...written, store, index, manifest, blobs, path, folderOf, content: CONTENT };
}
