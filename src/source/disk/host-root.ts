import { readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { FolderTree } from '../../base/io/folder-tree.js';
import { pathData, printable } from '../../base/text/printable.js';
import { DimgxError, isSystemError } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';
import type { Place } from '../source.js';
import { knownStore } from './known-store.js';
import { manyStores, type StoreAt } from './many-stores.js';
import { needsRoot, StoreFiles } from './store-files.js';

/** Where engines of the system keep their storage. */
const OF_SYSTEM = [
  'var/lib/docker',
  'var/lib/containerd',
  'var/lib/containers/storage',
  'var/snap/docker/common/var-lib-docker',
  'var/lib/rancher/k3s/agent/containerd',
  'var/lib/rancher/rke2/agent/containerd',
  'var/snap/microk8s/common/var/lib/containerd',
  'var/lib/k0s/containerd',
];

/** Where engines of a user keep it, below the home. */
const OF_USER = ['docker', 'containers/storage', 'containerd'].map((name) => `.local/share/${name}`);

/**
 * The storages in the usual places of a whole disk. Symlinks on it are followed as if it were mounted at `/`.
 *
 * @param mount where the disk is mounted, as in references
 * @throws DIMGX_SOURCE_NOT_AN_IMAGE if there is none, DIMGX_SOURCE_UNREADABLE
 */
export function hostPlace(host: StoreFiles, mount: string, selector: string | undefined, context: OpenContext): Place {
  const tree = new FolderTree(host.root, 'inside');
  try {
    const users = namesIn(tree, 'home', mount).map((name) => `home/${name}`);
    const places = [...OF_SYSTEM, ...['root', ...users].flatMap((home) => OF_USER.map((name) => `${home}/${name}`))];
    const found = new Map<string, StoreAt>();
    for (const place of places) {
      const fd = folderAt(tree, place, mount);
      if (fd === undefined) continue;
      const inside = relative(pathOf(host.root), pathOf(fd));
      const path = join(mount, inside);
      const store = knownStore(StoreFiles.at(fd, path, context), path, context);
      const folders = [...(found.get(path)?.folders ?? []), place, inside];
      if (store) found.set(path, { ...store, folders });
    }
    if (found.size === 0) throw noStore(mount);
    return manyStores(
      [...found.values()],
      { transport: 'host-root', location: host.location, areNamed: true },
      selector,
    );
  } finally {
    tree.close();
  }
}

/** The path that a descriptor is open for. */
function pathOf(fd: number): string {
  return readlinkSync(`/proc/self/fd/${fd}`);
}

/** @returns a descriptor; `undefined` if there is no such folder */
function folderAt(tree: FolderTree, path: string, mount: string): number | undefined {
  return ifThere(join(mount, path), () => tree.openFolder(path));
}

function namesIn(tree: FolderTree, path: string, mount: string): readonly string[] {
  return ifThere(join(mount, path), () => tree.namesIn(path)) ?? [];
}

function ifThere<T>(path: string, look: () => T): T | undefined {
  try {
    return look();
  } catch (failure) {
    const isLoop = failure instanceof DimgxError && failure.code === 'DIMGX_SOURCE_BAD_MEMBER';
    if (isLoop || isSystemError(failure, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw isSystemError(failure, 'EACCES', 'EPERM') ? needsRoot(printable(path, 300), failure) : failure;
  }
}

function noStore(mount: string): DimgxError {
  const usual = OF_SYSTEM.slice(0, 3).join(', ');
  const message = `${printable(mount, 300)} has no storage of an engine in the usual places, such as ${usual}: give the folder of the storage itself`;
  return new DimgxError('DIMGX_SOURCE_NOT_AN_IMAGE', message, pathData(mount));
}
