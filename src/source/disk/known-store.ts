import { DimgxError } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';
import type { Place } from '../source.js';
import { containerdNames } from './containerd/containerd-meta.js';
import { containerdPlace, isContainerdRoot } from './containerd/containerd-place.js';
import { type ContainerdRecord, DOCKER_NAMESPACE } from './containerd/containerd-records.js';
import { containersStorage, isContainersStorage } from './containers-storage/containers-storage.js';
import { diskPlace } from './disk-place.js';
import { dockerContainers } from './docker/docker-containers.js';
import { dockerRoot, dockerTops, isDockerRoot } from './docker/docker-root.js';
import { hasDockerFolders } from './driver-folders.js';
import { manyStores, type StoreAt } from './many-stores.js';
import { orDamage } from './or-damage.js';
import type { StoreFiles } from './store-files.js';

/** The kinds of storage that a folder alone shows. */
export const STORE_KINDS = {
  'docker-root': {
    has: (files) => isDockerRoot(files) || dockerTops(files).some((top) => isContainerdRoot(files, containerdOf(top))),
    place: dockerPlace,
    referTo: (path) => path,
  },
  'containers-storage': {
    has: isContainersStorage,
    place: (files, selector, context) => diskPlace(files, containersStorage(files), selector, context),
    referTo: (path) => `[${path}]`,
  },
  'containerd-root': {
    has: (files) => isContainerdRoot(files),
    place: (files, selector, context) =>
      containerdPlace(files, { usage: 'containerd-root:DIR[:NAME]', top: '' }, selector, context),
    referTo: (path) => path,
  },
} as const satisfies Readonly<Record<string, StoreKind>>;

interface StoreKind {
  has(files: StoreFiles): boolean;
  place(files: StoreFiles, selector: string | undefined, context: OpenContext): Place;
  /** What follows the transport in a reference. */
  referTo(path: string): string;
}

/**
 * The storage that a folder is.
 *
 * @param path of the folder, as in references
 * @returns `undefined` if it is none
 */
export function knownStore(files: StoreFiles, path: string, context: OpenContext): StoreAt | undefined {
  for (const [transport, kind] of Object.entries<StoreKind>(STORE_KINDS)) {
    if (!kind.has(files)) continue;
    return {
      reference: `${transport}:${kind.referTo(path)}`,
      place: (selector) => kind.place(files, selector, context),
    };
  }
  return undefined;
}

/**
 * Docker has a store of its own, and from version 29 the one of a containerd that it starts, in a folder of its own.
 * After an update both are there.
 */
function dockerPlace(files: StoreFiles, selector: string | undefined, context: OpenContext): Place {
  const stores = dockersIn(files).map((make) => ({ reference: '', place: (name?: string) => make(name, context) }));
  const [first, ...others] = stores;
  if (first && others.length === 0) return first.place(selector);
  const { location } = files;
  return manyStores(stores, { transport: 'docker-root', location, areNamed: false }, selector);
}

/** The folder of the containerd that a daemon starts. @param top of the daemon */
function containerdOf(top: string): string {
  return `${top}containerd/daemon/`;
}

type MakePlace = (selector: string | undefined, context: OpenContext) => Place;

function dockersIn(files: StoreFiles): readonly MakePlace[] {
  const classic: MakePlace = (selector, context) => diskPlace(files, dockerRoot(files), selector, context);
  const hasClassic = isDockerRoot(files);
  const inContainerd = dockerTops(files)
    .filter((top) => isContainerdRoot(files, containerdOf(top)))
    .filter((top) => !hasClassic || isInUse(files, top))
    .map((top): MakePlace => {
      const records = () => containersIn(files, top);
      const own = { namespaces: DOCKER_NAMESPACE, records };
      const view = { usage: 'docker-root:DIR[:NAME]', top: containerdOf(top), ...own } as const;
      return (selector, context) => containerdPlace(files, view, selector, context);
    });
  return [...(hasClassic ? [classic] : []), ...inContainerd];
}

/** Docker runs a containerd even if it keeps its images itself. @param top of the daemon */
function isInUse(files: StoreFiles, top: string): boolean {
  if (containersIn(files, top).length > 0) return true;
  const names = orDamage(() => containerdNames(files, containerdOf(top)) ?? []);
  return names instanceof DimgxError || names.some(({ namespace }) => DOCKER_NAMESPACE.test(namespace));
}

/** Docker's containers with files in containerd. Source: moby, daemon/containerd/service.go. @param top of the daemon */
function containersIn(files: StoreFiles, top: string): readonly ContainerdRecord[] {
  const namespace = top === '' ? 'moby' : `moby-${top.slice(0, -1)}`;
  return dockerContainers(files, top)
    .filter(({ container, driver }) => !files.hasFolder(`${top}image/${driver}/layerdb/mounts/${container.id}`))
    .filter(({ driver }) => !hasDockerFolders(files, top, driver))
    .map(({ container, driver, problem }) => {
      const snapshot = { namespace, snapshotter: driver, key: container.id };
      return { container, snapshot, ...(problem && { problem }) };
    });
}
