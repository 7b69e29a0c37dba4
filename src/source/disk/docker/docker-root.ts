import * as v from 'valibot';
import { quoted } from '../../../base/text/printable.js';
import { DimgxError } from '../../../errors.js';
import { realNames } from '../../../image/choose/choose-image.js';
import { parseDocument } from '../../../image/document.js';
import { type Digest, hexOf, isDigest } from '../../../reference/digest.js';
import { chainIds } from '../chain-ids.js';
import type { DamagedLists } from '../damaged-lists.js';
import { DOCKER_DRIVERS, dockerFolders, filesOf, hasDockerFolders } from '../driver-folders.js';
import { dockerOrigins } from '../layer-origins.js';
import { isStoreId, type RecordedLayers, type Store, type StoreImage, type StoreLayer } from '../store.js';
import type { StoreFiles } from '../store-files.js';
import { storeOfDrivers } from '../store-of-drivers.js';
import { isCacheId } from './cache-id.js';
import { DockerContainers } from './docker-containers.js';
import { dockerInventory } from './docker-inventory.js';

/** Limit of `repositories.json`, in bytes: it grows with the number of images. */
const MAX_NAMES = 64 * 2 ** 20;

const RepositoriesSchema = v.object({
  Repositories: v.nullish(v.record(v.string(), v.nullish(v.record(v.string(), v.string()), {})), {}),
});

/** The images and layers of one storage driver. */
export interface DriverStore {
  readonly driver: string;
  /** The folder of the daemon, or that of a user namespace in it: empty, or with a slash at its end. */
  readonly top: string;
}

/** Docker's classic store: the folder `/var/lib/docker`, or a copy of it. Source: moby, image/fs.go, layer/filestore.go. */
export function dockerRoot(files: StoreFiles): Store {
  return storeOfDrivers('docker-root', (damaged) =>
    driversIn(files).map((store) => {
      const images = new DockerImages(files, store, damaged);
      const containers = new DockerContainers(files, store, images);
      return { images, containers, inventory: () => dockerInventory(files, store, images, containers) };
    }),
  );
}

/** Whether a folder looks like one, by its names. */
export function isDockerRoot(files: StoreFiles): boolean {
  return driversIn(files).length > 0;
}

/** The folders of daemons: empty, or with a slash at the end. With user namespaces, each one has a folder of its own. */
export function dockerTops(files: StoreFiles): readonly string[] {
  return ['', ...files.names('').flatMap((name) => (/^\d+\.\d+$/.test(name) ? [`${name}/`] : []))];
}

/**
 * Several drivers may have been used one after another. Of one, the documents of images may be lost, or those of layers
 * as well: its own folder, or the containers, are still there then, and the folders of layers.
 */
function driversIn(files: StoreFiles): readonly DriverStore[] {
  return dockerTops(files).flatMap((top) => {
    const recorded = files
      .names(`${top}image`)
      .filter((driver) => /^[a-z0-9][\w.-]*$/.test(driver))
      .filter(
        (driver) =>
          ['imagedb', 'layerdb'].some((name) => files.hasFolder(`${top}image/${driver}/${name}`)) ||
          hasDockerFolders(files, top, driver),
      );
    const others = files.names(`${top}containers`).some(isStoreId) ? foldersOnly(files, top) : [];
    return [...new Set([...recorded, ...others])].map((driver) => ({ top, driver }));
  });
}

/** The drivers that have folders of layers. */
function foldersOnly(files: StoreFiles, top: string): readonly string[] {
  return DOCKER_DRIVERS.filter((driver) => hasDockerFolders(files, top, driver));
}

/** The images that a storage driver has the layers of. */
export class DockerImages {
  readonly #files: StoreFiles;
  readonly #store: DriverStore;
  readonly #damaged: DamagedLists;
  /** The folder with the documents. */
  readonly #image: string;
  #known: readonly StoreImage[] | undefined;
  /** By chain ID. */
  readonly #layers = new Map<Digest, StoreLayer | DimgxError>();
  /** By chain ID. */
  readonly #cacheIds = new Map<Digest, string | undefined>();

  constructor(files: StoreFiles, store: DriverStore, damaged: DamagedLists) {
    this.#files = files;
    this.#store = store;
    this.#damaged = damaged;
    this.#image = `${store.top}image/${store.driver}`;
  }

  /** Reads the list of images once. */
  images(): readonly StoreImage[] {
    this.#known ??= this.#readImages();
    return this.#known;
  }

  #readImages(): readonly StoreImage[] {
    const references = this.#references();
    const documents = this.#files.names(`${this.#image}/imagedb/content/sha256`).filter(isStoreId);
    // The document of one that has a name may be lost.
    const ids = [...new Set([...documents, ...references.keys()])];
    const parents = new Set(ids.map((id) => this.#text(`imagedb/metadata/sha256/${id}/parent`)));
    return ids.map((id) => {
      const names = references.get(id) ?? [];
      return {
        names: realNames(names.filter((name) => !name.includes('@'))),
        // By a digest, an image is known as well.
        ids: [id, ...names.flatMap((name) => digestIn(name))] as const,
        config: `${this.#image}/imagedb/content/sha256/${id}`,
        isListed: names.length > 0 || !parents.has(`sha256:${id}`),
        layers: (diffIds) => chainIds(diffIds).map((chainId) => this.#layer(chainId)),
        origins: (diffIds) => this.#origins(diffIds),
      };
    });
  }

  /** The names of each image, by its ID. */
  #references(): ReadonlyMap<string, readonly string[]> {
    const path = `${this.#image}/repositories.json`;
    const names = new Map<string, string[]>();
    const document = this.#damaged.read(path, 'images are known by their IDs only', () => {
      const bytes = this.#files.read(path, MAX_NAMES);
      return bytes && parseDocument(bytes, RepositoriesSchema, quoted(path));
    });
    for (const references of Object.values(document?.Repositories ?? {})) {
      for (const [name, id] of Object.entries(references ?? {})) {
        if (isDigest(id)) names.set(hexOf(id), [...(names.get(hexOf(id)) ?? []), name]);
      }
    }
    return names;
  }

  /** The layers up to one of them, by the records of the layers alone. @throws DIMGX_STORE_DAMAGED */
  layersUpTo(chainId: Digest): RecordedLayers {
    const chain: Digest[] = [];
    const diffIds: Digest[] = [];
    for (let id: string | undefined = chainId; id !== undefined; ) {
      if (!isDigest(id) || chain.includes(id)) throw missing(`names a malformed parent of a layer: ${quoted(id)}`);
      const record: string = `layerdb/sha256/${hexOf(id)}`;
      const diffId = this.#text(`${record}/diff`) ?? '';
      if (!isDigest(diffId)) throw missing(`does not say which layer ${id} is: it was never complete`);
      chain.push(id);
      diffIds.push(diffId);
      id = this.#text(`${record}/parent`);
    }
    const layers = chain.reverse().map((id) => this.#layer(id));
    diffIds.reverse();
    return { diffIds, layers, origins: () => this.#origins(diffIds) };
  }

  /** What the record of a layer says is the name of its folder: read once. @returns `undefined` if there is no record */
  cacheId(chainId: Digest): string | undefined {
    if (!this.#cacheIds.has(chainId)) {
      this.#cacheIds.set(chainId, this.#text(`layerdb/sha256/${hexOf(chainId)}/cache-id`));
    }
    return this.#cacheIds.get(chainId);
  }

  #origins(diffIds: readonly Digest[]) {
    return diffIds.map((diffId) => dockerOrigins(this.#files, this.#image, diffId));
  }

  /** Looks once for a layer, which many images may have. */
  #layer(chainId: Digest): StoreLayer | DimgxError {
    const known = this.#layers.get(chainId);
    const layer = known ?? this.#findLayer(chainId);
    if (!known) this.#layers.set(chainId, layer);
    return layer;
  }

  #findLayer(chainId: Digest): StoreLayer | DimgxError {
    const { top, driver } = this.#store;
    const folders = dockerFolders(driver);
    if (!folders) return otherDriver(driver);
    const record = `layerdb/sha256/${hexOf(chainId)}`;
    const cacheId = this.cacheId(chainId);
    if (cacheId === undefined) return missing(`has no layer ${chainId}: it is being removed, or was never complete`);
    if (!isCacheId(cacheId)) return missing(`names a malformed folder for the layer ${chainId}: ${quoted(cacheId)}`);
    const size = Number(this.#text(`${record}/size`) || Number.NaN);
    const folder = `${top}${filesOf(folders, cacheId)}`;
    if (!this.#files.hasFolder(folder)) return missing(`has no folder ${quoted(folder)}, or it is a link`);
    const tarSplit = `${this.#image}/${record}/tar-split.json.gz`;
    return { folder, tarSplit, ...(Number.isSafeInteger(size) && size >= 0 && { size }) };
  }

  /** A small document that is one line of text. */
  #text(path: string): string | undefined {
    return this.#files.read(`${this.#image}/${path}`)?.toString().trim();
  }
}

function digestIn(name: string): readonly string[] {
  const digest = name.slice(name.lastIndexOf('@') + 1);
  return isDigest(digest) ? [hexOf(digest)] : [];
}

function otherDriver(driver: string): DimgxError {
  const message = `the storage driver ${quoted(driver)} keeps layers in a way that dimgx does not read: start the engine, and use docker-daemon: or docker save`;
  return new DimgxError('DIMGX_SOURCE_UNSUPPORTED', message);
}

function missing(what: string): DimgxError {
  return new DimgxError('DIMGX_STORE_DAMAGED', `the engine's storage ${what}`);
}
