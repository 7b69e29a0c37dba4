import { isDigest } from '../../../reference/digest.js';
import { storageFolders } from '../driver-folders.js';
import {
  chainFrom,
  type Inventory,
  type LayerRecord,
  type LeftDocuments,
  recordsById,
} from '../inventory/inventory.js';
import { containerOwner, imageOwner } from '../inventory/named-owner.js';
import { storeOwner } from '../owners/store-owner.js';
import { isStoreId } from '../store.js';
import type { StoreFiles } from '../store-files.js';
import type { DriverImages, ImageRecord } from './containers-storage.js';
import { type StorageContainers, storageForm } from './storage-containers.js';
import { isSet, rangesOf, type StorageLayer } from './storage-layers.js';

/**
 * What a storage driver of containers/storage has.
 *
 * @returns `undefined` for a driver that dimgx does not read
 * @throws DIMGX_IMAGE_BAD_JSON, DIMGX_SOURCE_UNREADABLE
 */
export function storageInventory(
  files: StoreFiles,
  driver: string,
  images: DriverImages,
  containers: StorageContainers,
): Inventory | undefined {
  const folders = storageFolders(driver);
  if (!folders) return undefined;
  const own = containers.withLayers();
  const layers = [...images.layerRecords().values()].filter(({ id }) => isStoreId(id));
  const containerOf = new Map(own.map((each) => [each.layer, each]));
  const isOfContainer = ofContainers(files, `${driver}-layers`, layers, images.imageRecords());
  const records = layers.map((layer) => {
    const record = recordOf(layer, `${driver}-layers/${layer.id}${TAR_SPLIT}`, containerOf.get(layer.id)?.container.id);
    return isOfContainer(layer) ? { ...record, role: 'changes' as const } : record;
  });
  const byId = recordsById(records);
  const owner = storeOwner(files).owners;
  const maps = new Map(
    layers.map(({ id, uidmap, gidmap }) => [id, { uids: rangesOf(uidmap), gids: rangesOf(gidmap) }]),
  );
  const imageRecords = images.imageRecords();
  return {
    folders,
    prefix: '',
    hasLowers: true,
    form: storageForm(files, folders),
    isFolderName: isStoreId,
    records,
    images: images.images().map((image, i) => {
      const { layer = '', 'mapped-layers': mapped } = imageRecords[i] ?? {};
      // A mapped layer is another copy of the newest one.
      const chains = [layer ?? '', ...(mapped ?? [])].map((top) => chainFrom(byId, top || undefined).toReversed());
      const layers = chains.flatMap((chain) => chain.map((id, below) => [id, below + 1] as const));
      return { image: imageOwner(image), layers: new Map(layers) };
    }),
    containers: own.map(({ container, layer }) => {
      return { container: containerOwner(container), top: isStoreId(layer) ? layer : undefined };
    }),
    cached: new Set(),
    left: [
      ...leftIn(files, `${driver}-images`, new Set(imageRecords.map(({ id }) => id))),
      ...leftIn(files, `${driver}-containers`, new Set(own.map(({ container }) => container.id))),
      ...leftIn(files, `${driver}-layers`, new Set(byId.keys()), TAR_SPLIT),
    ],
    owners: (record) => {
      const found = record && (containerOf.get(record.id)?.owners ?? maps.get(record.id));
      return [owner, ...(found ? [found] : [])];
    },
  };
}

const TAR_SPLIT = '.tar-split.gz';

/**
 * Tells which layers have the changes of a container, though no list may have the container any more: nothing was ever
 * unpacked into them, so that they have no digest and no tar-split, and neither an image nor a layer is on them.
 */
function ofContainers(
  files: StoreFiles,
  folder: string,
  layers: readonly StorageLayer[],
  images: readonly ImageRecord[],
): (layer: StorageLayer) => boolean {
  const ofImages = images.flatMap(({ layer, 'mapped-layers': mapped }) => [layer, ...(mapped ?? [])]);
  const isBelow = new Set([...layers.map(({ parent }) => parent), ...ofImages]);
  const documents = new Set(files.names(folder));
  return ({ id, flags, 'diff-digest': diffId }) =>
    !diffId && !isSet(flags, 'incomplete') && !isBelow.has(id) && !documents.has(`${id}${TAR_SPLIT}`);
}

function recordOf(layer: StorageLayer, tarSplit: string, containerId: string | undefined): LayerRecord {
  const { id, parent, flags, 'diff-digest': diffId, 'diff-size': size } = layer;
  return {
    ...{ id, tarSplit, aliases: containerId === undefined ? [] : [containerId] },
    role: containerId === undefined ? 'layer' : 'changes',
    ...(isSet(flags, 'incomplete') && { isIncomplete: true }),
    parent: () => parent || undefined,
    diffId: () => (isDigest(diffId ?? '') ? (diffId as ReturnType<LayerRecord['diffId']>) : undefined),
    size: () => (size != null && Number.isSafeInteger(size) && size >= 0 ? size : undefined),
  };
}

/** Documents of what is in no list. */
function leftIn(files: StoreFiles, folder: string, known: ReadonlySet<string>, suffix = ''): readonly LeftDocuments[] {
  return files.names(folder).flatMap((name): readonly LeftDocuments[] => {
    const id = name.endsWith(suffix) ? name.slice(0, name.length - suffix.length) : '';
    if (!isStoreId(id) || known.has(id)) return [];
    return [{ kind: 'orphaned documents', id, path: `${folder}/${name}`, ...(suffix !== '' && { folder: id }) }];
  });
}
