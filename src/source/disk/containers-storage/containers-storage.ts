import { homedir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { quoted } from '../../../base/text/printable.js';
import { DimgxError } from '../../../errors.js';
import { checkLayerCount } from '../../../image/checks.js';
import { realNames } from '../../../image/choose/choose-image.js';
import type { LayerOrigin } from '../../../image/layer.js';
import { type Digest, hexOf, isDigest } from '../../../reference/digest.js';
import { filesOf, storageFolders } from '../driver-folders.js';
import { storageOrigins } from '../layer-origins.js';
import { isStoreId, type RecordedLayers, type Store, type StoreImage, type StoreLayer } from '../store.js';
import type { StoreFiles } from '../store-files.js';
import { storeOfDrivers } from '../store-of-drivers.js';
import { StorageContainers } from './storage-containers.js';
import { storageInventory } from './storage-inventory.js';
import { isSet, LayersSchema, type ListReader, readList, type StorageLayer } from './storage-layers.js';

const Text = v.nullish(v.string(), '');

const ImagesSchema = v.array(
  v.object({
    id: v.string(),
    digest: Text,
    names: v.nullish(v.array(v.string()), []),
    'mapped-layers': v.nullish(v.array(v.string()), []),
    'names-history': v.nullish(v.array(v.string()), []),
    layer: Text,
  }),
);

export type ImageRecord = v.InferOutput<typeof ImagesSchema>[number];

/** A reference to a store, as skopeo writes it. */
export interface StorageReference {
  /** Default: that of the user. */
  readonly root?: string;
  /** Default: every driver that the store has images of. */
  readonly driver?: string;
  /** The image, if one is named. */
  readonly name?: string;
}

/**
 * Parses what follows `containers-storage:`. What follows a `+` or a colon in the brackets, which is the folder of
 * running containers and options, has no effect on images. Source: containers/image, storage/storage_transport.go.
 *
 * @throws DIMGX_REFERENCE_INVALID
 */
export function parseStorageReference(text: string): StorageReference {
  const [, store, rest = text] = /^\[([^\]]*)\](.*)$/s.exec(text) ?? [];
  const named = rest === '' ? {} : { name: rest.replace(/^@(?=[0-9a-f]{10,}$)/, '') };
  if (store === undefined) {
    if (!text.startsWith('[')) return named;
    const message = `${quoted(text)} has no closing bracket: write [DRIVER@ROOT+RUNROOT]NAME`;
    throw new DimgxError('DIMGX_REFERENCE_INVALID', message);
  }
  const at = store.indexOf('@');
  const driver = store.slice(0, Math.max(0, at));
  const root = store.slice(at + 1).replace(/[:+].*$/s, '');
  return { ...named, ...(driver !== '' && { driver }), ...(root !== '' && { root }) };
}

/**
 * The folder that Podman and others of the current user use. Source: containers/storage, types/options.go;
 * podman-unshare(1), whose user seems to be root.
 */
export function defaultRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env.CONTAINERS_GRAPHROOT) return env.CONTAINERS_GRAPHROOT;
  if (process.geteuid?.() === 0) return '/var/lib/containers/storage';
  return join(env.XDG_DATA_HOME || join(env.HOME || homedir(), '.local/share'), 'containers/storage');
}

/** The store of Podman, Buildah, CRI-O and skopeo. Source: containers/storage, images.go, layers.go. */
export function containersStorage(files: StoreFiles, driver?: string): Store {
  return storeOfDrivers('containers-storage', (damaged) => {
    const reader = { files, damaged };
    const wanted = driversIn(files).filter((name) => driver === undefined || name === driver);
    return wanted.map((name) => {
      const images = new DriverImages(reader, name);
      const containers = new StorageContainers(reader, name, images);
      return { images, containers, inventory: () => storageInventory(files, name, images, containers) };
    });
  });
}

/** Whether a folder looks like one, by its names. */
export function isContainersStorage(files: StoreFiles): boolean {
  return driversIn(files).length > 0;
}

/** Any of its lists shows a driver: the others may be lost. */
function driversIn(files: StoreFiles): readonly string[] {
  const named = files.names('').flatMap((name) => {
    const [, driver, kind] = /^([a-z0-9][\w.-]*)-(images|layers|containers)$/.exec(name) ?? [];
    return driver !== undefined && files.names(name).includes(`${kind}.json`) ? [driver] : [];
  });
  return [...new Set(named)].sort();
}

/** The images of one storage driver. */
export class DriverImages {
  readonly #reader: ListReader;
  readonly #files: StoreFiles;
  readonly #driver: string;
  /** Paths of the lists of layers. */
  readonly #lists: readonly string[];
  #known: ReadonlyMap<string, StorageLayer> | undefined;

  constructor(reader: ListReader, driver: string) {
    this.#reader = reader;
    this.#files = reader.files;
    this.#driver = driver;
    this.#lists = ['layers.json', 'volatile-layers.json'].map((name) => `${driver}-layers/${name}`);
  }

  images(): readonly StoreImage[] {
    const images = this.imageRecords();
    return images.map(({ id, digest, names, layer }) => ({
      names: realNames((names ?? []).filter((name) => !name.includes('@'))),
      ids: [id, ...(digest && isDigest(digest) ? [hexOf(digest)] : [])] as const,
      config: `${this.#driver}-images/${id}/${fileOf(`sha256:${id}`)}`,
      isListed: true,
      layers: (diffIds) => {
        const records = this.#chain(layer ?? '');
        checkLayerCount(records.length, diffIds.length);
        return records.map((record) => this.#layer(record));
      },
      origins: () => this.#origins(this.#chain(layer ?? ''), images),
    }));
  }

  /** The layers below one of them, by the records of the layers alone. @throws DIMGX_LAYER_BAD_PARENT, DIMGX_STORE_DAMAGED */
  layersBelow(layer: string): RecordedLayers {
    const records = this.#chain(layer).slice(0, -1);
    const diffIds = records.map(({ id, 'diff-digest': diffId }) => {
      if (!isDigest(diffId ?? '')) throw damaged(`the engine's storage has no digest of the layer ${id}`);
      return diffId as Digest;
    });
    const layers = records.map((record) => this.#layer(record));
    return { diffIds, layers, origins: () => this.#origins(records, this.imageRecords()) };
  }

  /** @throws DIMGX_SOURCE_UNREADABLE */
  imageRecords(): readonly ImageRecord[] {
    const path = `${this.#driver}-images/images.json`;
    const images = readList(this.#reader, path, ImagesSchema, 'its images are not known') ?? [];
    return images.filter(({ id }) => isStoreId(id));
  }

  #origins(layers: readonly StorageLayer[], images: readonly ImageRecord[]): readonly (readonly LayerOrigin[])[] {
    const digests = layers.map((layer) => layer['compressed-diff-digest'] ?? '');
    const named = images.map(({ id, names, 'names-history': history }) => ({
      names: [...(names ?? []), ...(history ?? [])],
      manifest: `${this.#driver}-images/${id}/manifest`,
    }));
    const origins = storageOrigins(this.#files, named, new Set(digests.filter(isDigest)));
    return digests.map((digest) => origins.get(digest) ?? []);
  }

  /** A layer and those below it, oldest first. @throws DIMGX_LAYER_BAD_PARENT; what is wrong with a damaged list */
  #chain(top: string): readonly StorageLayer[] {
    const known = this.layerRecords();
    const chain = new Set<StorageLayer>();
    for (let id = top; id !== ''; ) {
      const record = known.get(id);
      if (!record)
        throw (
          this.#reader.damaged.first(this.#lists) ??
          badParent(`${quoted(id)} is not in the storage; another image store may have it`)
        );
      if (chain.has(record)) throw badParent('they form a loop');
      chain.add(record);
      id = record.parent ?? '';
    }
    return [...chain].reverse();
  }

  /** By ID, which need not be well formed. @throws DIMGX_SOURCE_UNREADABLE */
  layerRecords(): ReadonlyMap<string, StorageLayer> {
    this.#known ??= this.#readLayers();
    return this.#known;
  }

  #readLayers(): ReadonlyMap<string, StorageLayer> {
    const lists = this.#lists.flatMap((path) => {
      return readList(this.#reader, path, LayersSchema, 'its layers are not known') ?? [];
    });
    return new Map(lists.map((record) => [record.id, record]));
  }

  #layer({ id, flags, 'diff-size': size }: StorageLayer): StoreLayer | DimgxError {
    const driver = this.#driver;
    const folders = storageFolders(driver);
    if (!folders)
      return unsupported(`the storage driver ${quoted(driver)} keeps layers in a way that dimgx does not read`);
    if (!isStoreId(id)) return damaged(`the engine's storage names a malformed layer: ${quoted(id)}`);
    if (isSet(flags, 'incomplete'))
      return damaged(`the layer ${id} is incomplete in the engine's storage: pull the image again`);
    if (driver === 'overlay' && this.#files.hasFolder(`overlay/${id}/composefs-data`)) {
      return unsupported(`the layer ${id} is stored as composefs`);
    }
    const folder = filesOf(folders, id);
    if (!this.#files.hasFolder(folder)) {
      const isLink = this.#files.names(`overlay/${id}`).includes('diff');
      if (isLink) return unsupported(`the layer ${id} is in an additional layer store`);
      return damaged(`the engine's storage has no folder ${quoted(folder)}`);
    }
    const tarSplit = `${driver}-layers/${id}.tar-split.gz`;
    return { folder, tarSplit, ...(size != null && Number.isSafeInteger(size) && size >= 0 && { size }) };
  }
}

/** The file of big data with a key. Source: containers/storage, utils.go, makeBigDataBaseName. */
export function fileOf(key: string): string {
  return /^[a-z0-9.]+$/.test(key) ? key : `=${Buffer.from(key).toString('base64')}`;
}

function badParent(what: string): DimgxError {
  return new DimgxError('DIMGX_LAYER_BAD_PARENT', `the layers of the image cannot be found: ${what}`);
}

function unsupported(what: string): DimgxError {
  return new DimgxError('DIMGX_SOURCE_UNSUPPORTED', `${what}: save the image with podman save`);
}

function damaged(message: string): DimgxError {
  return new DimgxError('DIMGX_STORE_DAMAGED', message);
}
