import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageIdOf, sha256 } from './built-image.js';
import { chainId, type StoredImageSpec } from './engine-stores.js';

/** A container to write into an engine's storage. */
export interface StoredContainerSpec {
  readonly name: string;
  readonly image: StoredImageSpec;
  /** Of Docker: replaces parts of its document. */
  readonly document?: object;
}

/** A container as it was written. */
export interface WrittenContainer {
  readonly id: string;
  /** The folder with its changes. */
  readonly changes: string;
  /** The folder with what the engine prepared, if it keeps that apart. */
  readonly prepared: string;
}

/** Adds a container to Docker's storage, as the daemon leaves it. The folders of its layers are empty. */
export function addDockerContainer(
  store: string,
  { name, image, document = {} }: StoredContainerSpec,
  driver = 'overlay2',
): WrittenContainer {
  const id = sha256(`container ${name}`);
  const mountId = sha256(`mount ${name}`);
  const folderOf = (mount: string) =>
    join(
      store,
      driver === 'vfs'
        ? `vfs/dir/${mount}`
        : driver === 'btrfs'
          ? `btrfs/subvolumes/${mount}`
          : `${driver}/${mount}/diff`,
    );
  const record = join(store, `image/${driver}/layerdb/mounts`, id);
  const own = join(store, 'containers', id);
  for (const folder of [record, own, folderOf(mountId), folderOf(`${mountId}-init`)])
    mkdirSync(folder, { recursive: true });
  writeFileSync(join(record, 'mount-id'), mountId);
  writeFileSync(join(record, 'init-id'), `${mountId}-init`);
  writeFileSync(join(record, 'parent'), `sha256:${chainId(image, image.layers.length - 1)}`);
  const state = {
    Running: false,
    ExitCode: 137,
    StartedAt: '2026-01-02T03:04:05Z',
    FinishedAt: '2026-01-02T03:05:05Z',
  };
  const config = {
    ...{
      ID: id,
      Name: `/${name}`,
      Image: `sha256:${imageIdOf(image)}`,
      Driver: driver,
      Created: '2026-01-02T03:04:00Z',
    },
    ...{ Path: 'sleep', Args: ['9'], LogPath: `/var/lib/docker/containers/${id}/${id}-json.log`, State: state },
    ...{
      Config: { Image: image.tags?.[0] },
      MountPoints: { '/data': { Type: 'volume', Name: 'v', Destination: '/data', RW: true } },
    },
    ...document,
  };
  writeFileSync(join(own, 'config.v2.json'), JSON.stringify(config));
  return { id, changes: folderOf(mountId), prepared: folderOf(`${mountId}-init`) };
}

/** Adds a container to the storage of Podman and others, as they leave it. The folder of its changes is empty. */
export function addStorageContainer(
  store: string,
  { name, image }: Omit<StoredContainerSpec, 'document'>,
): Pick<WrittenContainer, 'id' | 'changes'> {
  const [id, layer] = [sha256(`container ${name}`), sha256(`layer of ${name}`)];
  const images = JSON.parse(readFileSync(join(store, 'overlay-images/images.json'), 'utf8'));
  const { layer: parent } = images.find((each: { id: string }) => each.id === imageIdOf(image));
  const layers = join(store, 'overlay-layers/layers.json');
  writeFileSync(layers, JSON.stringify([...JSON.parse(readFileSync(layers, 'utf8')), { id: layer, parent }]));
  const changes = join(store, 'overlay', layer, 'diff');
  mkdirSync(changes, { recursive: true });
  mkdirSync(join(store, 'overlay-containers', id, 'userdata'), { recursive: true });
  const record = { id, names: [name], image: imageIdOf(image), layer, created: '2026-01-02T03:04:00Z' };
  writeFileSync(join(store, 'overlay-containers/containers.json'), JSON.stringify([record]));
  return { id, changes };
}
