import { basename } from 'node:path';
import * as v from 'valibot';
import { quoted, shortId } from '../../../base/text/printable.js';
import { DimgxError } from '../../../errors.js';
import {
  type Container,
  type ContainerMount,
  type ContainerStatus,
  hasCome,
  mayBeRunning,
} from '../../../image/container.js';
import { parseDocument } from '../../../image/document.js';
import { hexOf, isDigest } from '../../../reference/digest.js';
import { DOCKER_DRIVERS, dockerFolders, filesOf, hasDockerFolders } from '../driver-folders.js';
import { type OwnerMaps, shiftedBy } from '../folder/id-map.js';
import type { FolderPlace } from '../folder/layer-folder.js';
import { storeOwner } from '../owners/store-owner.js';
import { type FolderLayerPlace, isStoreId, type StoreContainer, type StoreLayer } from '../store.js';
import type { StoreFiles } from '../store-files.js';
import type { DockerImages, DriverStore } from './docker-root.js';

const Text = v.nullish(v.string(), '');
const Flag = v.nullish(v.boolean(), false);

/** Source: moby, daemon/container/container.go. */
const ContainerSchema = v.object({
  ID: v.string(),
  Name: Text,
  Image: Text,
  Driver: Text,
  Created: Text,
  Path: Text,
  Args: v.nullish(v.array(v.string()), []),
  LogPath: Text,
  Config: v.nullish(v.object({ Image: Text }), {}),
  State: v.nullish(
    v.object({
      Running: Flag,
      Paused: Flag,
      Restarting: Flag,
      Dead: Flag,
      ExitCode: v.nullish(v.number()),
      StartedAt: Text,
      FinishedAt: Text,
    }),
    {},
  ),
  MountPoints: v.nullish(
    v.record(
      v.string(),
      v.nullish(v.object({ Source: Text, Destination: Text, Name: Text, Type: Text, RW: Flag }), {}),
    ),
    {},
  ),
});

type Document = v.InferOutput<typeof ContainerSchema>;

/** A container, as Docker's own document describes it. */
interface DockerContainer {
  readonly container: Container;
  /** The storage driver, or the snapshotter of containerd, that has its files; empty if the document is too old. */
  readonly driver: string;
  /** Why its document cannot be read: nothing but its ID is known then. */
  readonly problem?: DimgxError;
}

/**
 * Every container of Docker, whatever keeps its files.
 *
 * @param top the folder of the daemon: empty, or with a slash at its end
 * @throws DIMGX_SOURCE_UNREADABLE if the folder of all cannot be read
 */
export function dockerContainers(files: StoreFiles, top: string): readonly DockerContainer[] {
  const ids = files.names(`${top}containers`).filter(isStoreId).sort();
  return ids.flatMap((id) => {
    try {
      return readContainer(files, top, id);
    } catch (failure) {
      if (!(failure instanceof DimgxError)) throw failure;
      return withoutDocument(files, top, id, failure);
    }
  });
}

function readContainer(files: StoreFiles, top: string, id: string): readonly DockerContainer[] {
  const folder = `${top}containers/${id}`;
  const path = `${folder}/config.v2.json`;
  const bytes = files.read(path);
  if (!bytes) return [];
  const document = parseDocument(bytes, ContainerSchema, quoted(path));
  return [{ container: containerOf(id, document, folder), driver: document.Driver ?? '' }];
}

/** A container whose document is damaged. Its driver is the one that has a record of it, or else one in use. */
function withoutDocument(files: StoreFiles, top: string, id: string, failure: DimgxError): DockerContainer {
  const recorded = files.names(`${top}image`);
  const owner = recorded.find((driver) => files.hasFolder(`${top}image/${driver}/layerdb/mounts/${id}`));
  const inUse = DOCKER_DRIVERS.find((driver) => hasDockerFolders(files, top, driver));
  const advice = owner === undefined ? '' : `: use layer/${shortId(id)} for its files`;
  return {
    container: { id, names: [], status: 'unknown', mounts: [] },
    driver: owner ?? inUse ?? recorded[0] ?? 'overlayfs',
    problem: failure.retold(`${failure.message}${advice}`),
  };
}

/**
 * How the owners of Docker's files become those in containers. With user namespaces, the folder of the daemon is named
 * after the IDs of root.
 */
export function dockerShift(files: StoreFiles, top: string): OwnerMaps {
  const [, uid = '0', gid = '0'] = /^(\d+)\.(\d+)$/.exec(top.slice(0, -1) || basename(files.path)) ?? [];
  return { uids: shiftedBy(Number(uid)), gids: shiftedBy(Number(gid)) };
}

/** The containers whose layers are kept by one storage driver. Source: moby, layer/filestore.go. */
export class DockerContainers {
  readonly #files: StoreFiles;
  readonly #store: DriverStore;
  readonly #images: DockerImages;
  #known: readonly DockerContainer[] | undefined;

  constructor(files: StoreFiles, store: DriverStore, images: DockerImages) {
    this.#files = files;
    this.#store = store;
    this.#images = images;
  }

  /** What their documents say. @throws as `dockerContainers` */
  described(): readonly Container[] {
    return this.#documents().map(({ container }) => container);
  }

  /** They are read once. */
  #documents(): readonly DockerContainer[] {
    const { top, driver } = this.#store;
    const isOwn = (each: DockerContainer) => each.driver === '' || each.driver === driver;
    this.#known ??= dockerContainers(this.#files, top).filter(isOwn);
    return this.#known;
  }

  /** @throws as `described` */
  all(): readonly StoreContainer[] {
    const images = new Map(this.#images.images().map((image) => [image.ids[0], image]));
    return this.#documents().map(({ container, problem }) => ({
      container,
      image: container.imageId === undefined ? undefined : images.get(container.imageId),
      below: () => this.#below(container.id, problem),
      layers: (below) => this.#layers(container, below, problem),
    }));
  }

  #below(id: string, problem: DimgxError | undefined) {
    if (problem) throw problem;
    const parent = this.#mountText(id, 'parent');
    if (parent === undefined) return { diffIds: [], layers: [], origins: () => [] };
    if (!isDigest(parent)) throw damaged(`names a malformed layer below the container ${id}: ${quoted(parent)}`);
    return this.#images.layersUpTo(parent);
  }

  #layers(
    container: Container,
    below: readonly StoreLayer[],
    problem: DimgxError | undefined,
  ): readonly FolderLayerPlace[] {
    if (problem) throw problem;
    const { id, status } = container;
    const { driver, top } = this.#store;
    const folders = dockerFolders(driver);
    if (!folders) throw otherDriver(driver);
    const mountId = this.#mountText(id, 'mount-id');
    if (!isStoreId(mountId)) throw damaged(`has no layer of the container ${id}, or it has been removed`);
    const owner = storeOwner(this.#files);
    const form = folders.form === 'overlay' ? owner.form : folders.form;
    const owners = [owner.owners, dockerShift(this.#files, top)];
    const at = (folder: string): FolderPlace => ({ folder, form });
    const older = below.map(({ folder }) => at(folder)).reverse();
    const own = at(`${top}${filesOf(folders, mountId)}`);
    if (!this.#files.hasFolder(own.folder)) throw damaged(`has no folder ${quoted(own.folder)}, or it is a link`);
    const isLive = mayBeRunning(status);
    const changes = { ...own, name: container.id, containerId: container.id, owners, isLive };
    const initId = this.#mountText(id, 'init-id');
    // Where a folder is the whole tree, it has what the engine prepared.
    if (form === 'tree' || initId !== `${mountId}-init`) return [{ ...changes, below: older }];
    const prepared = at(`${top}${filesOf(folders, initId)}`);
    return [
      { ...prepared, name: 'init', owners, isLive: false, below: older },
      { ...changes, below: [prepared, ...older] },
    ];
  }

  #mountText(id: string, name: string): string | undefined {
    const { top, driver } = this.#store;
    return this.#files.read(`${top}image/${driver}/layerdb/mounts/${id}/${name}`)?.toString().trim();
  }
}

function containerOf(id: string, document: Document, folder: string): Container {
  const { Name, Image, Config, Created, LogPath, Path, Args, State } = document;
  const { StartedAt, FinishedAt, ExitCode } = State ?? {};
  const status = statusOf(State);
  const hasEnded = status === 'exited' || status === 'dead';
  return {
    id,
    names: Name ? [Name.replace(/^\//, '')] : [],
    ...(Config?.Image && { image: Config.Image }),
    ...(isDigest(Image ?? '') && { imageId: hexOf(Image as `sha256:${string}`) }),
    status,
    ...(hasEnded && ExitCode != null && { exitCode: ExitCode }),
    ...(Created && { created: Created }),
    ...(hasCome(StartedAt) && { started: StartedAt }),
    ...(hasCome(FinishedAt) && { finished: FinishedAt }),
    ...(Path && { command: [Path, ...(Args ?? [])] }),
    // The path is that of the original host. The file is in the container's folder.
    ...(LogPath && { logPath: `${folder}/${basename(LogPath)}` }),
    mounts: Object.entries(document.MountPoints ?? {}).map(([destination, mount]) => mountOf(destination, mount)),
  };
}

function statusOf(state: Document['State']): ContainerStatus {
  const { Running, Paused, Restarting, Dead, StartedAt } = state ?? {};
  if (Paused) return 'paused';
  if (Restarting) return 'restarting';
  if (Running) return 'running';
  if (Dead) return 'dead';
  return hasCome(StartedAt) ? 'exited' : 'created';
}

function mountOf(destination: string, mount: NonNullable<Document['MountPoints']>[string]): ContainerMount {
  const { Source, Name, Type, RW } = mount ?? {};
  return {
    ...(Type && { type: Type }),
    ...(Name && { name: Name }),
    ...(Source && { source: Source }),
    destination,
    isWritable: RW ?? false,
  };
}

function otherDriver(driver: string): DimgxError {
  const message = `the storage driver ${quoted(driver)} keeps containers in a way that dimgx does not read: start the engine, and use docker export`;
  return new DimgxError('DIMGX_SOURCE_UNSUPPORTED', message);
}

function damaged(what: string): DimgxError {
  return new DimgxError('DIMGX_STORE_DAMAGED', `the engine's storage ${what}`);
}
