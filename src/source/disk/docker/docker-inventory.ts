import { DimgxError } from '../../../errors.js';
import { type Digest, isDigest } from '../../../reference/digest.js';
import { chainIdsIn } from '../chain-ids.js';
import { readBolt } from '../database/bolt.js';
import { dockerFolders } from '../driver-folders.js';
import type { Inventory, LayerRecord, LeftDocuments } from '../inventory/inventory.js';
import { containerOwner, imageOwner } from '../inventory/named-owner.js';
import { storeOwner } from '../owners/store-owner.js';
import { shownJson } from '../shown-json.js';
import type { StoreFiles } from '../store-files.js';
import { isCacheId } from './cache-id.js';
import { type DockerContainers, dockerShift } from './docker-containers.js';
import type { DockerImages, DriverStore } from './docker-root.js';

/**
 * What a storage driver of Docker has. Source: moby, layer/filestore.go, layer/layer_store.go.
 *
 * @returns `undefined` for a driver that dimgx does not read
 * @throws DIMGX_IMAGE_BAD_JSON, DIMGX_SOURCE_UNREADABLE
 */
export function dockerInventory(
  files: StoreFiles,
  store: DriverStore,
  images: DockerImages,
  containers: DockerContainers,
): Inventory | undefined {
  const { top, driver } = store;
  const folders = dockerFolders(driver);
  if (!folders) return undefined;
  const owner = storeOwner(files);
  const owners = [owner.owners, dockerShift(files, top)];
  const documents = new LayerDocuments(files, `${top}image/${driver}/layerdb`, images);
  return {
    folders: { ...folders, parent: `${top}${folders.parent}` },
    prefix: '',
    hasLowers: true,
    form: folders.form === 'overlay' ? owner.form : folders.form,
    isFolderName: (name) => isCacheId(name.replace(/-init$/, '')),
    records: [...documents.layers(), ...documents.mounts()],
    images: images.images().map((image) => {
      const folders = chainIdsIn(shownJson(files, image.config)).map((id) => documents.cacheId(id));
      const layers = folders.flatMap((id, i) => (id === undefined ? [] : [[id, i + 1] as const]));
      return { image: imageOwner(image), layers: new Map(layers) };
    }),
    containers: containers
      .described()
      .map((container) => ({ container: containerOwner(container), top: documents.mountId(container.id) })),
    cached: buildCache(files, top, documents),
    left: documents.left(),
    owners: () => owners,
  };
}

/** The documents of layers. */
class LayerDocuments {
  readonly #files: StoreFiles;
  readonly #folder: string;
  readonly #images: DockerImages;

  constructor(files: StoreFiles, folder: string, images: DockerImages) {
    this.#files = files;
    this.#folder = folder;
    this.#images = images;
  }

  layers(): readonly LayerRecord[] {
    return this.#names('sha256').flatMap((name): readonly LayerRecord[] => {
      const chainId = `sha256:${name}`;
      const id = isDigest(chainId) ? this.cacheId(chainId) : undefined;
      if (id === undefined) return [];
      const at = `sha256/${name}`;
      return [
        {
          ...{ id, aliases: [name], role: 'layer', documents: `${this.#folder}/${at}` },
          tarSplit: `${this.#folder}/${at}/tar-split.json.gz`,
          parent: () => this.#cacheIdOf(this.#text(`${at}/parent`)),
          diffId: () => digestOr(this.#text(`${at}/diff`)),
          size: () => sizeOf(this.#text(`${at}/size`)),
        },
      ];
    });
  }

  /** What is on top of images: of a container, or for a moment of a build. */
  mounts(): readonly LayerRecord[] {
    return this.#names('mounts').flatMap((name): readonly LayerRecord[] => {
      const id = isCacheId(name) ? this.mountId(name) : undefined;
      if (id === undefined) return [];
      const at = `mounts/${name}`;
      const initId = this.#text(`${at}/init-id`) === `${id}-init` ? `${id}-init` : undefined;
      const below = () => this.#cacheIdOf(this.#text(`${at}/parent`));
      const own = {
        ...{ aliases: [name], documents: `${this.#folder}/${at}`, tarSplit: '' },
        ...{ diffId: () => undefined, size: () => undefined },
      };
      const changes: LayerRecord = { ...own, id, role: 'changes', parent: () => initId ?? below() };
      return initId === undefined
        ? [changes]
        : [{ ...own, id: initId, aliases: [], role: 'prepared', parent: below }, changes];
    });
  }

  /** Layers that were being removed, or made, when the engine stopped. */
  left(): readonly LeftDocuments[] {
    const removed = this.#names('sha256').filter((name) => /^[0-9a-f]{64}-.*-removing$/.test(name));
    const made = this.#names('tmp').filter((name) => /^write-set-\d+$/.test(name));
    const all = [...removed.map((name) => `sha256/${name}`), ...made.map((name) => `tmp/${name}`)];
    return all.map((at) => {
      const folder = this.#text(`${at}/cache-id`);
      const id = at.slice(at.indexOf('/') + 1);
      const found = { kind: 'half-deleted layer', id, path: `${this.#folder}/${at}` } as const;
      return folder !== undefined && isCacheId(folder) ? { ...found, folder } : found;
    });
  }

  cacheId(chainId: Digest): string | undefined {
    return idOr(readable(() => this.#images.cacheId(chainId)));
  }

  mountId(name: string): string | undefined {
    return idOr(this.#text(`mounts/${name}/mount-id`));
  }

  #cacheIdOf(chainId: string | undefined): string | undefined {
    return chainId !== undefined && isDigest(chainId) ? this.cacheId(chainId) : undefined;
  }

  #names(folder: string): readonly string[] {
    return this.#files.names(`${this.#folder}/${folder}`);
  }

  /** A small document. */
  #text(path: string): string | undefined {
    return readable(() => this.#files.read(`${this.#folder}/${path}`, MAX_TEXT)?.toString().trim());
  }
}

/** What a document says. One that is not as it should be says nothing. @throws DIMGX_SOURCE_UNREADABLE */
function readable(read: () => string | undefined): string | undefined {
  try {
    return read();
  } catch (failure) {
    if (failure instanceof DimgxError && failure.code !== 'DIMGX_SOURCE_UNREADABLE') return undefined;
    throw failure;
  }
}

/** Limit of a document that is one line of text, in bytes. */
const MAX_TEXT = 64 * 1024;

/**
 * The folders that BuildKit uses: those that it has made, and those of layers. Source: moby,
 * builder-next/adapters/snapshot/snapshot.go.
 */
function buildCache(files: StoreFiles, top: string, documents: LayerDocuments): ReadonlySet<string> {
  const cached = new Set<string>();
  const addLayer = (chainId: string | undefined) => {
    const id = chainId !== undefined && isDigest(chainId) ? documents.cacheId(chainId) : undefined;
    if (id !== undefined) cached.add(id);
  };
  try {
    readBolt(files, `${top}buildkit/snapshots.db`, (root) => {
      for (const { key, value } of root.entries()) {
        if (Buffer.isBuffer(value)) continue;
        const name = key.toString();
        for (const folder of [name, value.value('committed')?.toString() ?? ''])
          if (isCacheId(folder)) cached.add(folder);
        addLayer(name);
        addLayer(value.value('chainid')?.toString());
      }
    });
  } catch (failure) {
    // A damaged cache uses nothing.
    if (!(failure instanceof DimgxError)) throw failure;
  }
  return cached;
}

function idOr(text: string | undefined): string | undefined {
  return text !== undefined && isCacheId(text) ? text : undefined;
}

function digestOr(text: string | undefined): Digest | undefined {
  return text !== undefined && isDigest(text) ? text : undefined;
}

function sizeOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
