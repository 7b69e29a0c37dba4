import type { Candidate } from '../../../image/choose/choose-image.js';
import type { Container } from '../../../image/container.js';
import type { Leftover } from '../../../image/leftover.js';
import type { NamedOwner, PathOwner } from '../../../image/path-owner.js';
import type { Digest } from '../../../reference/digest.js';
import type { DriverFolders } from '../driver-folders.js';
import type { FolderForm } from '../folder/folder-form.js';
import type { OwnerMaps } from '../folder/id-map.js';

/** What the folder of a layer has: a layer of images, what was prepared for a container, or its changes. */
export type LayerRole = 'layer' | 'prepared' | 'changes';

/** What an engine's storage records of a layer. What takes another document is read when it is asked for. */
export interface LayerRecord {
  /** The name of its folder. */
  readonly id: string;
  /** Other IDs, in hex: its chain ID, that of its container. */
  readonly aliases: readonly string[];
  readonly role: LayerRole;
  /** Path of its own documents below the folder of the storage, if it has any. */
  readonly documents?: string;
  readonly isIncomplete?: boolean;
  /** Set if it is a layer of an image that was unpacked there. */
  readonly isUnpacked?: true;
  /** Set if a container that may be running writes into it. */
  readonly isLive?: true;
  /** Its tar-split document, likewise. It need not be there. */
  readonly tarSplit: string;
  /** The name of the folder of the layer below. */
  parent(): string | undefined;
  diffId(): Digest | undefined;
  /** In bytes. */
  size(): number | undefined;
}

/** Documents that are left of something. */
export interface LeftDocuments {
  readonly kind: 'half-deleted layer' | 'orphaned documents';
  readonly id: string;
  /** Below the folder of the storage. */
  readonly path: string;
  /** The name of the folder that they are about, if they say that. */
  readonly folder?: string;
}

/** What one storage driver has: layers, and who uses them. */
export interface Inventory {
  /** Where its folders are; `parent` is below the folder of the storage. */
  readonly folders: DriverFolders;
  /** What stands before the name of a folder in its ID, so that no other driver has the same: empty for most. */
  readonly prefix: string;
  /** How they are written. */
  readonly form: FolderForm;
  /** Whether folders of overlayfs say by themselves what lies below them, each in a document. */
  readonly hasLowers: boolean;
  /** Whether a name may be that of a folder of a layer. */
  isFolderName(name: string): boolean;
  readonly records: readonly LayerRecord[];
  readonly images: readonly UsedLayers[];
  /** @param top the name of the folder of its changes, if that is known */
  readonly containers: readonly { readonly container: NamedOwner; readonly top: string | undefined }[];
  /** The folders that a build cache uses, or a download that is running. */
  readonly cached: ReadonlySet<string>;
  readonly left: readonly LeftDocuments[];
  /** How owners on the disk become those in a container: applied one after another. */
  owners(record: LayerRecord | undefined): readonly OwnerMaps[];
}

/** An image, with the folders of its layers as far as they are known. */
export interface UsedLayers {
  readonly image: NamedOwner;
  /** By their names: which layer each one is, counted from 1 for the base. */
  readonly layers: ReadonlyMap<string, number>;
}

/** What is in a storage, as far as it tells whom a path belongs to. */
export interface StoreContents {
  images(): readonly Candidate[];
  containers(): readonly { readonly container: Container }[];
  inventories(): readonly Inventory[];
  /** What it has besides layers and documents. */
  readonly blobs?: BlobInventory;
}

/** The blobs of a storage. */
export interface BlobInventory {
  /** @param text a path @returns `undefined` if it is not that of a blob */
  owner(text: string): BareOwner | undefined;
  /** @param start of a digest, or all of it @throws DIMGX_SOURCE_AMBIGUOUS */
  byId(start: string): BareOwner | undefined;
  leftovers(): readonly FoundLeftover[];
}

/** Whom a path belongs to, before it is known what it is among the leftovers. */
export type BareOwner = Omit<PathOwner, 'isHeld' | 'leftover'> & Partial<Pick<PathOwner, 'isHeld'>>;

/** A leftover, as the names in the storage show it. */
export interface FoundLeftover extends Pick<Leftover, 'kind' | 'id' | 'path'> {
  /** The path of the folder that has its files, if it can be opened. */
  readonly folder?: string | undefined;
  /** In bytes, if it is recorded. */
  readonly size?: number | undefined;
  /** The path of the file whose size it has. */
  readonly file?: string;
}

/** Who uses a layer. */
export interface LayerUse {
  readonly images: readonly NamedOwner[];
  readonly containers: readonly NamedOwner[];
  /** Whether a build cache or a download does. */
  readonly isCached: boolean;
}

/** Who uses each layer, by the name of its folder. */
export function usesOf(inventory: Inventory): ReadonlyMap<string, LayerUse> {
  const { records, images, containers, cached } = inventory;
  const byId = recordsById(records);
  const uses = new Map<string, { images: NamedOwner[]; containers: NamedOwner[]; isCached: boolean }>();
  const useOf = (id: string) => {
    const use = uses.get(id) ?? { images: [], containers: [], isCached: false };
    uses.set(id, use);
    return use;
  };
  for (const { image, layers } of images)
    for (const [id, layer] of layers) useOf(id).images.push({ ...image, part: 'layer', layer });
  for (const { container, top } of containers) {
    for (const id of chainFrom(byId, top)) useOf(id).containers.push(container);
  }
  for (const id of cached) for (const below of chainFrom(byId, id)) useOf(below).isCached = true;
  return uses;
}

export function recordsById(records: readonly LayerRecord[]): ReadonlyMap<string, LayerRecord> {
  return new Map(records.map((record) => [record.id, record]));
}

/** A layer and those below it, newest first, as far as there are records. Ends before a loop. */
export function chainFrom(byId: ReadonlyMap<string, LayerRecord>, top: string | undefined): readonly string[] {
  const chain = new Set<string>();
  for (let id = top; id !== undefined && !chain.has(id); ) {
    chain.add(id);
    id = byId.get(id)?.parent();
  }
  return [...chain];
}
