import * as v from 'valibot';
import { quoted } from '../../../base/text/printable.js';
import { DimgxError } from '../../../errors.js';
import { type Container, type ContainerStatus, mayBeRunning } from '../../../image/container.js';
import { parseDocument } from '../../../image/document.js';
import { type DriverFolders, filesOf, storageFolders } from '../driver-folders.js';
import type { FolderForm } from '../folder/folder-form.js';
import type { OwnerMaps } from '../folder/id-map.js';
import { storeOwner } from '../owners/store-owner.js';
import { type FolderLayerPlace, isStoreId, type StoreContainer, type StoreImage, type StoreLayer } from '../store.js';
import type { StoreFiles } from '../store-files.js';
import type { DriverImages } from './containers-storage.js';
import { type LibpodFacts, libpodFacts } from './libpod-state.js';
import { type ListReader, RangesSchema, rangesOf, readList } from './storage-layers.js';

const Text = v.nullish(v.string(), '');

/** Source: containers/storage, containers.go. */
const ContainersSchema = v.array(
  v.object({
    id: v.string(),
    names: v.nullish(v.array(v.string()), []),
    image: Text,
    layer: Text,
    metadata: Text,
    created: Text,
    uidmap: RangesSchema,
    gidmap: RangesSchema,
  }),
);

type ContainerRecord = v.InferOutput<typeof ContainersSchema>[number];

/** What Podman and CRI-O write into the text `metadata`. Source: libpod/storage.go; cri-o, storage/runtime.go. */
const MetadataSchema = v.object({
  'image-name': Text,
  name: Text,
  'pod-name': Text,
  'pod-id': Text,
  namespace: Text,
});

/** A container, and the layer that has its changes. */
interface OwnLayer {
  readonly container: Container;
  /** Its ID, which need not be well formed. */
  readonly layer: string;
  readonly owners: OwnerMaps;
}

/** The containers of one storage driver of Podman, Buildah or CRI-O. */
export class StorageContainers {
  readonly #reader: ListReader;
  readonly #files: StoreFiles;
  readonly #driver: string;
  readonly #images: DriverImages;
  readonly #libpod: ReadonlyMap<string, LibpodFacts>;

  constructor(reader: ListReader, driver: string, images: DriverImages) {
    this.#reader = reader;
    this.#files = reader.files;
    this.#driver = driver;
    this.#images = images;
    this.#libpod = libpodFacts(reader.files);
  }

  /** @throws DIMGX_SOURCE_UNREADABLE */
  all(): readonly StoreContainer[] {
    const images = new Map(this.#images.images().map((image) => [image.ids[0], image]));
    return this.#records().map((record) => this.#container(record, images));
  }

  /** All of them, each with the ID of the layer that has its changes. @throws as `all` */
  withLayers(): readonly OwnLayer[] {
    return this.#records().map((record) => {
      const owners = { uids: rangesOf(record.uidmap), gids: rangesOf(record.gidmap) };
      return { container: this.#describe(record), layer: record.layer ?? '', owners };
    });
  }

  #records(): readonly ContainerRecord[] {
    return ['containers.json', 'volatile-containers.json'].flatMap((name) => {
      const path = `${this.#driver}-containers/${name}`;
      const records = readList(this.#reader, path, ContainersSchema, 'its containers are not known') ?? [];
      return records.filter(({ id }) => isStoreId(id));
    });
  }

  #container(record: ContainerRecord, images: ReadonlyMap<string, StoreImage>): StoreContainer {
    const container = this.#describe(record);
    return {
      container,
      image: images.get(record.image ?? ''),
      below: () => this.#images.layersBelow(record.layer ?? ''),
      layers: (below) => this.#layers(record, container, below),
    };
  }

  #layers(record: ContainerRecord, container: Container, below: readonly StoreLayer[]): readonly FolderLayerPlace[] {
    const { layer } = record;
    if (!isStoreId(layer)) throw damaged(`names no layer of the container ${record.id}`);
    const place = this.#placeOf(layer);
    if (!this.#files.hasFolder(place.folder)) throw damaged(`has no folder ${quoted(place.folder)}`);
    const older = below.map(({ folder }) => ({ folder, form: place.form })).reverse();
    const owner = storeOwner(this.#files);
    const own = { uids: rangesOf(record.uidmap), gids: rangesOf(record.gidmap) };
    return [
      {
        ...place,
        name: record.id,
        containerId: record.id,
        below: older,
        owners: [owner.owners, own],
        isLive: mayBeRunning(container.status),
      },
    ];
  }

  #placeOf(layer: string): { readonly folder: string; readonly form: FolderForm } {
    const folders = storageFolders(this.#driver);
    if (!folders) throw otherDriver(this.#driver);
    return { folder: filesOf(folders, layer), form: storageForm(this.#files, folders) };
  }

  #describe({ id, names, image, layer, metadata, created }: ContainerRecord): Container {
    const said = parseMetadata(metadata ?? '');
    const labels = {
      ...(said['pod-name'] && { pod: said['pod-name'] }),
      ...(said.namespace && { namespace: said.namespace }),
    };
    const folder = `${this.#driver}-containers/${id}/userdata`;
    return {
      id,
      names: names ?? [],
      ...(said['image-name'] && { image: said['image-name'] }),
      ...(image && { imageId: image }),
      status: this.#statusOf(layer ?? '', folder),
      ...(created && { created }),
      ...(this.#files.names(folder).includes('ctr.log') && { logPath: `${folder}/ctr.log` }),
      mounts: [],
      ...(Object.keys(labels).length > 0 && { labels }),
      ...this.#libpod.get(id),
    };
  }

  /** What can be seen without a database: Podman removes the mount point of a container that has ended. */
  #statusOf(layer: string, folder: string): ContainerStatus {
    if (!isStoreId(layer) || this.#driver !== 'overlay') return 'unknown';
    // Another user namespace may own the folder of this one container.
    const isMounted = orUnreadable(() => this.#files.hasFolder(`overlay/${layer}/merged`));
    if (isMounted ?? true) return 'unknown';
    return this.#files.names(folder).includes('config.json') ? 'exited' : 'created';
  }
}

/** @returns `undefined` if this user may not look */
function orUnreadable<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (failure) {
    if (failure instanceof DimgxError && failure.code === 'DIMGX_SOURCE_UNREADABLE') return undefined;
    throw failure;
  }
}

/** How the folders of layers are written. */
export function storageForm(files: StoreFiles, { form, parent }: DriverFolders): FolderForm {
  if (form !== 'overlay') return form;
  const program = files.read(`${parent}/.has-mount-program`)?.toString().trim();
  return program === 'true' ? 'fuse-overlay' : storeOwner(files).form;
}

/** It is only shown: what is malformed is left out. */
function parseMetadata(text: string): Partial<v.InferOutput<typeof MetadataSchema>> {
  if (text === '') return {};
  try {
    return parseDocument(Buffer.from(text), MetadataSchema, 'the metadata of a container');
  } catch {
    return {};
  }
}

function otherDriver(driver: string): DimgxError {
  const message = `the storage driver ${quoted(driver)} keeps containers in a way that dimgx does not read: use podman export`;
  return new DimgxError('DIMGX_SOURCE_UNSUPPORTED', message);
}

function damaged(what: string): DimgxError {
  return new DimgxError('DIMGX_STORE_DAMAGED', `the engine's storage ${what}`);
}
