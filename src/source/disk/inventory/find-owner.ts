import type { PathKind, PathOwner } from '../../../image/path-owner.js';
import type { StoreFiles } from '../store-files.js';
import { chooseLayer, type FoundFolder, foldersOf } from './choose-layer.js';
import { leftoversIn } from './find-leftovers.js';
import {
  type BareOwner,
  type FoundLeftover,
  type Inventory,
  type LayerRole,
  type StoreContents,
  usesOf,
} from './inventory.js';
import { containerOwner, imageOwner } from './named-owner.js';
import { linkedFolder } from './overlay-lowers.js';
import { after } from './path-after.js';

const KINDS: Readonly<Record<LayerRole, PathKind>> = {
  layer: 'layer',
  prepared: 'prepared for a container',
  changes: 'changes of a container',
};

/**
 * Finds out whom a path of a storage belongs to. Only the text of the path counts: nothing need be there.
 *
 * @param text a path without `..`, but at its start if it leads out of the storage: below the folder of the storage; the same as it was on another host, such as
 *   `/var/lib/docker/overlay2/ID/diff/etc/passwd`; or an ID
 * @returns `undefined` if it is none of what a storage holds
 * @throws DIMGX_SOURCE_AMBIGUOUS for the start of an ID; what listing the storage throws
 */
export function findOwner(files: StoreFiles, store: StoreContents, text: string): PathOwner | undefined {
  if (/^\.\.?(?:\/|$)/.test(text)) return undefined;
  const found =
    inFolder(files, store, text) ??
    inDocuments(files, store, text) ??
    inVolume(store, text) ??
    store.blobs?.owner(text) ??
    byId(files, store, text) ??
    inLeftover(files, store, text);
  return found && withLeftover(found, () => leftoversIn(files, store), text);
}

/** Says of what nobody uses which of the leftovers it is. */
function withLeftover(found: BareOwner, all: () => readonly FoundLeftover[], text: string): PathOwner {
  const { isHeld = false, images, containers } = found;
  const owner = { ...found, isHeld };
  if (isHeld || images.length + containers.length > 0) return owner;
  const same = all().filter(({ id }) => id === found.id);
  // A layer can have left both a folder and documents.
  const leftover = same.find(({ path }) => isBelow(text, path)) ?? same[0];
  return leftover ? { ...owner, leftover: { kind: leftover.kind, id: leftover.id } } : owner;
}

/** Documents that no record leads to. */
function inLeftover(files: StoreFiles, store: StoreContents, text: string): BareOwner | undefined {
  const leftover = leftoversIn(files, store).find(({ path }) => isBelow(text, path));
  return leftover && { kind: 'documents of a layer', id: leftover.id, images: [], containers: [] };
}

function isBelow(text: string, path: string): boolean {
  return after(`${text}/`, path) !== undefined;
}

/** A path in the folder of a layer, or its short name. */
function inFolder(files: StoreFiles, store: StoreContents, text: string): BareOwner | undefined {
  for (const inventory of store.inventories()) {
    const { parent, suffix } = inventory.folders;
    const parts = after(text, parent)?.split('/');
    if (!parts) continue;
    const [first = '', second = ''] = parts;
    const isLink = first === 'l' && inventory.hasLowers;
    const id = isLink ? linkOf(files, inventory, second) : first;
    const found = foldersOf(files, inventory).find((folder) => folder.id === id);
    if (!found) continue;
    const inside = isLink ? parts.slice(2) : parts.slice(1);
    const isMerged = !isLink && suffix !== '' && inside[0] === 'merged';
    const hasTree = isLink || suffix === '' || suffix === `/${inside[0]}` || isMerged;
    const tree = isLink || suffix === '' ? inside : inside.slice(1);
    const owner = ownerOfFolder(found, hasTree && tree.length > 0 ? tree.join('/') : undefined);
    return isMerged ? { ...owner, kind: 'merged tree' } : owner;
  }
  return undefined;
}

function ownerOfFolder({ inventory, id, record }: FoundFolder, path: string | undefined): BareOwner {
  const use = usesOf(inventory).get(id);
  return {
    kind: KINDS[record?.role ?? 'layer'],
    id: `${inventory.prefix}${id}`,
    ...(path !== undefined && { path }),
    images: use?.images ?? [],
    containers: use?.containers ?? [],
    isHeld: use?.isCached ?? inventory.cached.has(id),
  };
}

/** A document that an engine keeps of a layer, a container or an image. */
function inDocuments(files: StoreFiles, store: StoreContents, text: string): BareOwner | undefined {
  const container = /(?:^|\/)(?:[\w.-]+-)?containers\/([0-9a-f]{64})(?:\/|$)/.exec(text)?.[1];
  if (container !== undefined) {
    const owners = store.containers().filter((each) => each.container.id === container);
    return {
      kind: 'documents of a container',
      id: container,
      images: [],
      containers: owners.map((each) => containerOwner(each.container)),
    };
  }
  const layer = /(?:^|\/)(?:layerdb\/(?:sha256|mounts)|[\w.-]+-layers)\/([0-9a-f]{64})(?=[/.]|$)/.exec(text)?.[1];
  const found = layer === undefined ? undefined : chooseLayer(files, store.inventories(), layer);
  if (found) return { ...ownerOfFolder(found, undefined), kind: 'documents of a layer' };
  const image = /(?:^|\/)(?:imagedb\/(?:content|metadata)\/sha256|[\w.-]+-images)\/([0-9a-f]{64})/.exec(text)?.[1];
  if (image === undefined) return undefined;
  const owners = store.images().filter(({ ids }) => ids[0] === image);
  return { kind: 'documents of an image', id: image, images: owners.map(imageOwner), containers: [] };
}

function inVolume(store: StoreContents, text: string): BareOwner | undefined {
  const [, id, path] = /(?:^|\/)volumes\/([^/]+)(?:\/_data(?:\/(.*))?)?$/.exec(text) ?? [];
  if (id === undefined) return undefined;
  const users = store.containers().filter(({ container }) => container.mounts.some(({ name }) => name === id));
  const containers = users.map(({ container }) => {
    const destinations = container.mounts.filter(({ name }) => name === id).map(({ destination }) => destination);
    return { ...containerOwner(container), destinations };
  });
  return { kind: 'volume', id, ...(path && { path }), images: [], containers };
}

function byId(files: StoreFiles, store: StoreContents, text: string): BareOwner | undefined {
  const link = /^(?:l\/)?([A-Z0-9]{26})$/.exec(text)?.[1];
  const linked = link === undefined ? undefined : inFolder(files, store, `${overlayOf(store)}/l/${link}`);
  if (linked || text.startsWith('/')) return linked;
  const found = chooseLayer(files, store.inventories(), text);
  if (found) return ownerOfFolder(found, undefined);
  const hex = text.replace(/^sha256:/, '');
  const owners = store.images().filter(({ ids }) => ids[0] === hex);
  const [image] = owners;
  if (!image) return store.blobs?.byId(hex);
  return { kind: 'documents of an image', id: image.ids[0], images: owners.map(imageOwner), containers: [] };
}

/** The folder of the first driver that has short names. */
function overlayOf(store: StoreContents): string {
  return store.inventories().find(({ folders, hasLowers }) => hasLowers && folders.suffix !== '')?.folders.parent ?? '';
}

function linkOf(files: StoreFiles, inventory: Inventory, link: string): string | undefined {
  return /^[A-Z0-9]{1,40}$/.test(link) ? linkedFolder(files, inventory, link) : undefined;
}
