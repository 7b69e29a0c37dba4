import type { DimgxError } from '../../errors.js';
import type { Candidate } from '../../image/choose/choose-image.js';
import type { Container } from '../../image/container.js';
import type { LayerOrigin } from '../../image/layer.js';
import type { Digest } from '../../reference/digest.js';
import type { DamagedLists } from './damaged-lists.js';
import type { OwnerMaps } from './folder/id-map.js';
import type { FolderPlace } from './folder/layer-folder.js';
import type { Inventory } from './inventory/inventory.js';

/** Where a layer is in an engine's storage. */
export interface StoreLayer {
  /** The folder that has its files: a path below that of the store. */
  readonly folder: string;
  /** Its tar-split document, likewise. */
  readonly tarSplit: string;
  /** Its size as the engine records it, in bytes. */
  readonly size?: number;
}

/** A layer of which the engine has no record but its folder: the changes of a container. */
export interface FolderLayerPlace extends FolderPlace {
  /** Identifies the layer in messages. */
  readonly name: string;
  /** Set if these are the changes of a container: its ID. */
  readonly containerId?: string;
  /** The folders of the layers below it, newest first. Some of its contents may be in them. */
  readonly below: readonly FolderPlace[];
  /** How owners on the disk become those in the container: applied one after another. */
  readonly owners: readonly OwnerMaps[];
  /** Set if it is a layer of an image that was unpacked there: overlayfs has not set attributes on what it merged. */
  readonly isUnpacked?: true;
  /** Whether somebody may be writing it. */
  readonly isLive: boolean;
}

/** An image in an engine's storage. */
export interface StoreImage extends Candidate {
  /** Its config, likewise. */
  readonly config: string;
  /** Whether the engine would list it: it has a name, or no other image is built on it. */
  readonly isListed: boolean;
  /**
   * Finds its layers.
   *
   * @param diffIds from its config, oldest first
   * @returns one for each, or why that layer cannot be read
   * @throws DIMGX_SOURCE_UNREADABLE, DIMGX_LAYER_BAD_PARENT, DIMGX_IMAGE_LAYER_COUNT
   */
  layers(diffIds: readonly Digest[]): readonly (StoreLayer | DimgxError)[];
  /** Where its layers came from: one list for each. @throws as `layers` */
  origins(diffIds: readonly Digest[]): readonly (readonly LayerOrigin[])[];
}

/** The layers of an image, as the engine records them. Its config may be gone. */
export interface RecordedLayers {
  /** Oldest first. */
  readonly diffIds: readonly Digest[];
  readonly layers: readonly (StoreLayer | DimgxError)[];
  /** Where they came from. @throws as `StoreImage.origins` */
  origins(): readonly (readonly LayerOrigin[])[];
}

/** A container in an engine's storage. */
export interface StoreContainer {
  readonly container: Container;
  /** The image that it was made of, unless that has been removed. */
  readonly image: StoreImage | undefined;
  /** The layers below its own, for a container whose image has been removed. @throws as `StoreImage.layers` */
  below(): RecordedLayers;
  /**
   * Its own layers, oldest first: what the engine prepared, if it keeps that apart; and the container's changes.
   *
   * @param below where the layers of the image are, oldest first
   * @throws DIMGX_STORE_DAMAGED, DIMGX_SOURCE_UNSUPPORTED, DIMGX_SOURCE_UNREADABLE
   */
  layers(below: readonly StoreLayer[]): readonly FolderLayerPlace[];
}

/** What is in an engine's storage, by what its documents say. */
export interface Store {
  readonly transport: string;
  /** The lists that were damaged, as far as they have been read. */
  readonly damaged: DamagedLists;
  /** All images, in the order of the store. @throws DIMGX_IMAGE_*, DIMGX_SOURCE_* */
  images(): readonly StoreImage[];
  /** All containers, likewise. @throws as `images` */
  containers(): readonly StoreContainer[];
  /** What each storage driver has that dimgx reads, and who uses it. @throws as `images` */
  inventories(): readonly Inventory[];
}

/** IDs of images and layers, which become parts of paths. Anything else is refused. */
export function isStoreId(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{64}$/.test(text);
}
