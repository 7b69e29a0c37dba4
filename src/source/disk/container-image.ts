import { quoted, shortId } from '../../base/text/printable.js';
import { DimgxError, inputWarner, type Warn } from '../../errors.js';
import type { ParsedConfig } from '../../image/config.js';
import type { Container } from '../../image/container.js';
import type { OpenContext, OpenedImage } from '../../image/image.js';
import type { HistoryRow, Layer, StoredLayer } from '../../image/layer.js';
import type { OpenOptions } from '../../options.js';
import type { Digest } from '../../reference/digest.js';
import { imageOf } from '../form/assemble-image.js';
import type { OpenRequest } from '../source.js';
import { chooseOne } from './choose-one.js';
import { fetchApart } from './fetch-apart.js';
import { type IdRange, type OwnerMaps, parseIdMap } from './folder/id-map.js';
import { unseenMarks } from './folder/privilege.js';
import { deriveOwners } from './owners/derive-owners.js';
import { storeOwner } from './owners/store-owner.js';
import type { FolderLayerPlace, RecordedLayers, Store, StoreContainer, StoreImage, StoreLayer } from './store.js';
import type { StoreFiles } from './store-files.js';
import { StoreLayers } from './store-layers.js';
import { configOfLayers, foundStored, readConfig, storedLayers } from './stored-image.js';

/**
 * Chooses a container by its name, its ID or the start of it.
 *
 * @returns `undefined` if there is none
 * @throws DIMGX_SOURCE_AMBIGUOUS
 */
export function chooseContainer<C extends Pick<StoreContainer, 'container'>>(
  containers: readonly C[],
  wanted: string,
): C | undefined {
  const readings: readonly ((choice: C) => boolean)[] = [
    ({ container }) => container.id === wanted,
    ({ container }) => container.names.includes(wanted),
    ({ container }) => wanted.length > 0 && container.id.startsWith(wanted),
  ];
  return chooseOne(containers, readings, wanted, 'containers');
}

/**
 * Opens a container of an engine's storage: the layers of its image, then its own.
 *
 * @throws DIMGX_STORE_DAMAGED, DIMGX_SOURCE_*, DIMGX_LAYER_BAD_PARENT, DIMGX_IMAGE_*
 */
export async function openContainer(
  files: StoreFiles,
  store: Store,
  chosen: StoreContainer,
  { reference, options }: OpenRequest,
  context: OpenContext,
): Promise<OpenedImage> {
  const { container, image } = chosen;
  const warn = inputWarner(options);
  const { config, below, readable, own } = layersOf(files, chosen, options.verify ?? true);
  if (!config && container.imageId !== undefined) warn(imageGone(container));
  const named = { id: image?.ids[0] ?? container.imageId ?? '', tags: image?.names ?? [] };
  const found = foundStored(named, config ?? configOfLayers(below.diffIds), below.layers, below.origins());
  const imageLayers = storedLayers(found, below.layers);
  const owners = await ownersOf(files, readable, options, context);
  const places = own.map((place) => ({ ...place, owners: owners(place.owners) }));
  const ownLayers = describeOwn(container, places);
  const all = new Map<Layer, StoreLayer | FolderLayerPlace>();
  imageLayers.forEach((layer, i) => {
    const place = below.layers[i];
    if (place && !(place instanceof DimgxError)) all.set(layer, place);
  });
  ownLayers.forEach((layer, i) => {
    all.set(layer, places[i] as FolderLayerPlace);
  });
  const { keepGoing } = options;
  const stored = new StoreLayers(files, all, { warn, keepGoing }, context);
  const fetch: OpenedImage['fetch'] = (some, watch) => stored.fetch(some, watch);
  const source = { transport: store.transport, location: files.location };
  const { leftOut } = stored;
  const { resources } = context;
  const opened = imageOf(found, { reference, source, layers: imageLayers, fetch, leftOut, resources });
  return withContainer(opened, container, places, { layers: ownLayers, fetch, warn });
}

/**
 * The folders of a container's own layers, oldest first.
 *
 * @throws what is wrong with the layers below them; as `openContainer`
 */
export function ownPlaces(files: StoreFiles, chosen: StoreContainer, verify: boolean): readonly FolderLayerPlace[] {
  const { below, own } = layersOf(files, chosen, verify);
  const problem = below.layers.find((place) => place instanceof DimgxError);
  if (problem) throw problem;
  return own;
}

function layersOf(files: StoreFiles, chosen: StoreContainer, verify: boolean) {
  const { image } = chosen;
  const config = image && configIn(files, image, verify);
  const below = config ? recordedLayers(image, config.diffIds) : chosen.below();
  const readable = below.layers.filter((place): place is StoreLayer => !(place instanceof DimgxError));
  return { config, below, readable, own: chosen.layers(readable) };
}

/** @returns `undefined` if it is missing */
function configIn(files: StoreFiles, image: StoreImage, verify: boolean): ParsedConfig | undefined {
  try {
    return readConfig(files, image, verify);
  } catch (failure) {
    if (failure instanceof DimgxError && failure.code === 'DIMGX_SOURCE_MISSING_BLOB') return undefined;
    throw failure;
  }
}

/** What of the owners that the engine recorded is used. */
async function ownersOf(
  files: StoreFiles,
  layers: readonly StoreLayer[],
  options: OpenOptions,
  context: OpenContext,
): Promise<(recorded: FolderLayerPlace['owners']) => FolderLayerPlace['owners']> {
  const given = ownersGiven(options);
  if (given) return () => [given];
  if (!storeOwner(files).isPartial) return (recorded) => recorded;
  const { uids, gids } = await deriveOwners(files, layers, context);
  return ([own, ...others]) => [
    { uids: [...(own?.uids ?? []), ...uids], gids: [...(own?.gids ?? []), ...gids] },
    ...others,
  ];
}

function recordedLayers(image: StoreImage, diffIds: readonly Digest[]): RecordedLayers {
  return { diffIds, layers: image.layers(diffIds), origins: () => image.origins(diffIds) };
}

/** The layers of a container, apart from those of its image. */
interface OwnLayers {
  /** Oldest first. */
  readonly layers: readonly Layer[];
  readonly fetch: (wanted: readonly Layer[]) => Promise<readonly StoredLayer[]>;
  readonly warn: Warn;
}

/** Puts a container's own layers on top of those of its image. @throws DIMGX_SOURCE_UNREADABLE without privileges */
export function withContainer(
  image: OpenedImage,
  container: Container,
  places: readonly FolderLayerPlace[],
  own: OwnLayers,
): OpenedImage {
  const unseen = unseenMarks(places, `the container ${shownName(container)}`);
  if (unseen) throw unseen;
  if (places.some(({ isLive }) => isLive)) own.warn(running(container));
  return Object.freeze({
    ...image,
    container: Object.freeze(container),
    layers: Object.freeze([...image.layers, ...own.layers]),
    history: Object.freeze([
      ...image.history,
      ...own.layers.map((layer): HistoryRow => ({ history: layer.history ?? {}, layer })),
    ]),
    fetch: fetchApart(new Set(own.layers), own.fetch, image.fetch),
  } satisfies OpenedImage);
}

/** Describes the layers of a container that are its own. */
export function describeOwn(container: Container, places: readonly FolderLayerPlace[]): readonly Layer[] {
  const { created, names, id } = container;
  return places.map(({ name, containerId }): Layer => {
    const what = `the container ${names[0] ?? shortId(id)}`;
    const createdBy = containerId === undefined ? `prepared for ${what}` : `changes of ${what}`;
    return Object.freeze({
      name: shortId(name),
      compression: 'none',
      ...(containerId !== undefined && { containerId }),
      tags: [],
      history: { ...(created && { created }), createdBy },
    });
  });
}

/** How the caller maps owners, if at all. @throws DIMGX_OPTION_INVALID */
export function ownersGiven({ uidMap, gidMap = uidMap }: OpenOptions): OwnerMaps | undefined {
  if (uidMap === undefined && gidMap === undefined) return undefined;
  return { uids: idMap(uidMap), gids: idMap(gidMap) };
}

function idMap(text: string | undefined): readonly IdRange[] {
  const ranges = text === undefined ? [] : parseIdMap(text);
  if (ranges) return ranges;
  throw new DimgxError('DIMGX_OPTION_INVALID', `the ID map ${quoted(text ?? '')} is not CONTAINER:HOST:SIZE`);
}

function running(container: Container) {
  const { status } = container;
  const how = status === 'unknown' ? 'may be running' : status === 'running' ? 'is running' : `is ${status}`;
  const message = `the container ${shownName(container)} ${how}: its files may change while they are read`;
  return { code: 'DIMGX_CONTAINER_RUNNING', message, count: 1 } as const;
}

function imageGone(container: Container) {
  const { image, imageId = '' } = container;
  const message = `the image ${quoted(image ?? shortId(imageId))} of the container ${shownName(container)} has been removed, or has lost its config: its layers are taken from the engine's own records`;
  return { code: 'DIMGX_SOURCE_IMAGE_SKIPPED', message, count: 1 } as const;
}

function shownName({ names, id }: Container): string {
  return quoted(names[0] ?? shortId(id));
}
