import { quoted } from '../../../base/text/printable.js';
import { DimgxError, type Warn } from '../../../errors.js';
import type { OpenContext, OpenedImage } from '../../../image/image.js';
import type { Layer } from '../../../image/layer.js';
import { type Digest, isDigest } from '../../../reference/digest.js';
import { chainIds } from '../chain-ids.js';
import { fetchApart } from '../fetch-apart.js';
import { type IdRange, parseIdMap } from '../folder/id-map.js';
import { unseenMarks } from '../folder/privilege.js';
import { orDamage } from '../or-damage.js';
import { storeOwner } from '../owners/store-owner.js';
import type { FolderLayerPlace } from '../store.js';
import type { StoreFiles } from '../store-files.js';
import { StoreLayers } from '../store-layers.js';
import { SNAPSHOTTERS, type Snapshot, snapshotChain } from './containerd-snapshots.js';

/** Where the layers of snapshots are. @param chain newest first, and so is the result @throws DIMGX_STORE_DAMAGED */
export function snapshotPlaces(files: StoreFiles, chain: readonly Snapshot[]): readonly FolderLayerPlace[] {
  const owner = storeOwner(files);
  const places = chain.map(({ folder, isTree }) => ({ folder, form: isTree ? ('tree' as const) : owner.form }));
  return chain.map(({ key, uidMap, gidMap }, i): FolderLayerPlace => {
    const place = places[i] as (typeof places)[number];
    if (!files.hasFolder(place.folder)) throw missingFolder(place.folder);
    const maps = { uids: rangesOf(uidMap), gids: rangesOf(gidMap) };
    const unpacked = isDigest(key) ? ({ isUnpacked: true } as const) : {};
    const owners = [owner.owners, maps];
    return { ...place, ...unpacked, name: key, below: places.slice(i + 1), owners, isLive: false };
  });
}

/** The chain ID of an image, by which containerd knows its newest snapshot; `undefined` if it has no layers. */
export function chainIdOf(layers: readonly Layer[]): Digest | undefined {
  const diffIds = layers.flatMap(({ diffId }) => diffId ?? []);
  return diffIds.length === layers.length ? chainIds(diffIds).at(-1) : undefined;
}

/** Where the snapshots of an image may be. */
interface Unpacked {
  readonly files: StoreFiles;
  /** The folder of containerd: empty, or with a slash at its end. */
  readonly top: string;
  readonly namespaces: readonly string[];
}

/**
 * Takes the layers whose blobs are missing from the snapshots that they were unpacked into.
 *
 * @returns the same image if all its blobs are there, or if it was not unpacked; without the privilege to read snapshots
 *   exactly, an image whose layers have that as their problem
 * @throws DIMGX_STORE_DAMAGED
 */
export function withSnapshots(image: OpenedImage, unpacked: Unpacked, warn: Warn, context: OpenContext): OpenedImage {
  const lost = image.layers.filter(({ problem }) => problem?.code === 'DIMGX_SOURCE_MISSING_BLOB');
  const places = lost.length > 0 ? placesOf(image.layers, unpacked) : undefined;
  if (!places) return image;
  const what = `${quoted(image.reference)} has layers that containerd keeps unpacked only, which`;
  const problem = unseenMarks(places, what);
  const replaced = new Map(
    lost.map(({ problem: _, ...layer }) => [
      layer.name,
      Object.freeze<Layer>({ ...layer, ...(problem && { problem }) }),
    ]),
  );
  const instead = (layer: Layer) => replaced.get(layer.name) ?? layer;
  const layers = image.layers.map(instead);
  const placed = new Map(layers.map((layer, i) => [layer, places[i] as FolderLayerPlace]));
  const stored = new StoreLayers(unpacked.files, placed, { warn }, context);
  const unverified = async (wanted: readonly Layer[]) => {
    if (problem && wanted.length > 0) throw problem;
    return (await stored.fetch(wanted)).map(({ digest: _, diffId: __, ...layer }) => layer);
  };
  const message = `${lost.length === 1 ? 'a layer' : `${lost.length} layers`} cannot be verified: containerd has discarded the blobs, and the unpacked files are read instead; the first is layer ${lost[0]?.name}`;
  if (!problem) warn({ code: 'DIMGX_SOURCE_UNVERIFIED', message, count: lost.length });
  return Object.freeze({
    ...image,
    layers: Object.freeze(layers),
    history: Object.freeze(image.history.map((row) => (row.layer ? { ...row, layer: instead(row.layer) } : row))),
    fetch: fetchApart(new Set(replaced.values()), unverified, image.fetch),
  });
}

/** @returns oldest first; `undefined` if the image was not unpacked */
function placesOf(layers: readonly Layer[], unpacked: Unpacked): readonly FolderLayerPlace[] | undefined {
  const { files, top, namespaces } = unpacked;
  const key = chainIdOf(layers);
  if (!key) return undefined;
  for (const namespace of namespaces) {
    for (const snapshotter of SNAPSHOTTERS) {
      const chain = orDamage(() => snapshotChain(files, top, { namespace, snapshotter, key }));
      if (!(chain instanceof DimgxError) && chain.length === layers.length)
        return snapshotPlaces(files, chain).toReversed();
    }
  }
  return undefined;
}

/** @throws DIMGX_STORE_DAMAGED */
export function rangesOf(text: string | undefined): readonly IdRange[] {
  const ranges = text === undefined ? [] : parseIdMap(text);
  if (ranges) return ranges;
  const message = `containerd's storage has a malformed map of owners: ${quoted(text ?? '')}`;
  throw new DimgxError('DIMGX_STORE_DAMAGED', message);
}

function missingFolder(folder: string): DimgxError {
  const message = `containerd's storage has no folder ${quoted(folder)}, or it is a link`;
  return new DimgxError('DIMGX_STORE_DAMAGED', message);
}
