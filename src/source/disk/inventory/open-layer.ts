import { basename, dirname } from 'node:path/posix';
import { quoted, shortId } from '../../../base/text/printable.js';
import { DimgxError, inputWarner } from '../../../errors.js';
import { layerNames } from '../../../image/history.js';
import type { OpenContext, OpenedImage } from '../../../image/image.js';
import type { Layer } from '../../../image/layer.js';
import { imageOf } from '../../form/assemble-image.js';
import type { OpenRequest } from '../../source.js';
import { ownersGiven } from '../container-image.js';
import { filesOf } from '../driver-folders.js';
import type { OwnerMaps } from '../folder/id-map.js';
import { unseenMarks } from '../folder/privilege.js';
import type { FolderLayerPlace, StoreLayer } from '../store.js';
import type { StoreFiles } from '../store-files.js';
import { StoreLayers } from '../store-layers.js';
import { configOfLayers } from '../stored-image.js';
import type { FoundFolder } from './choose-layer.js';
import { chainFrom, type Inventory, type LayerRecord, recordsById } from './inventory.js';
import { lowersOf } from './overlay-lowers.js';

/**
 * Opens a layer of a storage with all layers below it: the tree that a container on it would see. Layers that the engine
 * has a record of are rebuilt and verified. The others are read as their folders are.
 *
 * @throws DIMGX_STORE_DAMAGED, DIMGX_SOURCE_UNREADABLE, DIMGX_OPTION_INVALID
 */
export function openLayer(
  files: StoreFiles,
  transport: string,
  found: FoundFolder,
  { reference, options }: OpenRequest,
  context: OpenContext,
): OpenedImage {
  const { inventory, id } = found;
  const byId = recordsById(inventory.records);
  const ids = stackOf(files, found, byId);
  const given = ownersGiven(options);
  const places = ids.map((each, i) => placeOf(files, inventory, byId.get(each), { ids, i, given }));
  const folders = places.filter((place): place is FolderLayerPlace => !('tarSplit' in place));
  const unseen = unseenMarks(folders, `the layer ${quoted(shownId(inventory, id))}`);
  if (unseen) throw unseen;
  const warn = inputWarner(options);
  if (folders.length > 0) {
    const isAlone = !inventory.hasLowers && inventory.form !== 'tree' && !byId.has(id);
    const message = `${folders.length} of the layers cannot be verified: the engine has no record of what they had (tar-split), and their folders are read instead; the first is ${quoted(shortId(folders[0]?.name ?? ''))}${isAlone ? '; what lies below it is not recorded' : ''}`;
    warn({ code: 'DIMGX_SOURCE_UNVERIFIED', message, count: folders.length });
  }
  const names = layerNames(ids.map((each) => nameOf(inventory, each, byId.get(each))));
  const layers = ids.map((each, i) => describe(byId.get(each), places[i] as Place, names[i] ?? each));
  const placed = new Map(layers.map((layer, i) => [layer, places[i] as Place]));
  const stored = new StoreLayers(files, placed, { warn, keepGoing: options.keepGoing }, context);
  return imageOf(
    { id: '', tags: [], config: configOfLayers([]), layers: [] },
    {
      reference,
      source: { transport, location: files.location },
      layers,
      fetch: (wanted, watch) => stored.fetch(wanted, watch),
      leftOut: stored.leftOut,
      resources: context.resources,
    },
  );
}

type Place = StoreLayer | FolderLayerPlace;

/** The names of the folders of a layer and those below it, oldest first. */
function stackOf(
  files: StoreFiles,
  { inventory, id }: FoundFolder,
  byId: ReadonlyMap<string, LayerRecord>,
): readonly string[] {
  const { form, hasLowers } = inventory;
  const isThere = (each: string) => files.hasFolder(filesOf(inventory.folders, each));
  const shown = shownId(inventory, id);
  // A whole tree hides what is below it.
  const chain = form === 'tree' && !hasLowers ? [id] : chainFrom(byId, id);
  if (chain.every((each) => byId.has(each)) || (byId.has(id) && !hasLowers)) {
    const lost = chain.filter((each) => !isThere(each));
    if (lost.length > 0) throw missing(shown, lost);
    return chain.toReversed();
  }
  if (form === 'tree' || !hasLowers) return [id];
  return [id, ...lowersOf(files, inventory, id)].reverse();
}

function shownId({ prefix }: Inventory, id: string): string {
  return `${prefix}${id}`;
}

/** How a layer is called in listings: by a folder's name, or by what says more than a number. */
function nameOf({ prefix }: Inventory, id: string, record: LayerRecord | undefined): string {
  return prefix === '' ? id : (record?.aliases[0] ?? `${prefix}${id}`);
}

interface InStack {
  readonly ids: readonly string[];
  /** Which of them. */
  readonly i: number;
  readonly given: OwnerMaps | undefined;
}

function placeOf(
  files: StoreFiles,
  inventory: Inventory,
  record: LayerRecord | undefined,
  { ids, i, given }: InStack,
): Place {
  const { folders, form } = inventory;
  const id = ids[i] as string;
  const folder = filesOf(folders, id);
  const tarSplit = record?.tarSplit ?? '';
  if (
    record?.diffId() !== undefined &&
    !record.isIncomplete &&
    files.names(dirname(tarSplit)).includes(basename(tarSplit))
  ) {
    const size = record.size();
    return { folder, tarSplit, ...(size !== undefined && { size }) };
  }
  const below = ids.slice(0, i).map((each) => ({ folder: filesOf(folders, each), form }));
  return {
    ...{ folder, form, name: nameOf(inventory, id, record), below: below.reverse() },
    ...(record?.isUnpacked && { isUnpacked: true }),
    owners: given ? [given] : inventory.owners(record),
    isLive: record?.isLive ?? (record?.role === 'changes' && files.hasFolder(`${folders.parent}/${id}/merged`)),
  };
}

const CREATED_BY = { layer: 'a layer', prepared: 'prepared for a container', changes: 'changes of a container' };

function describe(record: LayerRecord | undefined, place: Place, name: string): Layer {
  const diffId = 'tarSplit' in place ? record?.diffId() : undefined;
  const containerId = record?.role === 'changes' ? record.aliases[0] : undefined;
  const createdBy = `${record ? CREATED_BY[record.role] : 'a folder without a record'}: ${place.folder}`;
  const size = 'tarSplit' in place ? place.size : undefined;
  return Object.freeze({
    ...{ name, tags: [], compression: 'none' as const, history: { createdBy } },
    ...(diffId && { diffId }),
    ...(containerId !== undefined && { containerId }),
    ...(size !== undefined && { claimedContentSize: size }),
  });
}

function missing(id: string, lost: readonly string[]): DimgxError {
  const names = lost.slice(0, 5).map((each) => quoted(each));
  const more = lost.length > names.length ? `, and ${lost.length - names.length} more` : '';
  const message = `the engine's storage is damaged: the layer ${quoted(id)} needs folders that are missing: ${names.join(', ')}${more}`;
  return new DimgxError('DIMGX_STORE_DAMAGED', message);
}
