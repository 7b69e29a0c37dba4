import type { IndexedLayer } from '../layer/layer-index.js';
import { KIND, NONE, type Node } from '../merge/node.js';
import { TYPE } from '../tar/header.js';
import { indexedContents, recordedType } from './indexed-entry.js';
import { placeOf } from './path-versions.js';
import type { RecordedEntry } from './recorded-entry.js';
import type { PathEntry } from './shadows.js';
import type { Versions } from './versions.js';

const NOTHING = new Uint8Array(0);

/** What about a path can change from one version to the next. */
export type Difference = 'type' | 'content' | 'target' | 'mode' | 'owner' | 'time' | 'xattrs' | 'device';

/** What one layer did to a path. */
export interface PathEvent {
  /** `described`: an entry says again what was there already. */
  readonly action: 'added' | 'changed' | 'described' | 'removed';
  /** The layer that did it, where 1 is the base of the image. */
  readonly layer: number;
  /** What changed; empty unless `action` is `changed`. */
  readonly differences: readonly Difference[];
  /** The version that is there now, or that was removed. Its hash is known only where contents had to be compared. */
  readonly entry: RecordedEntry;
}

/** What must be read of an entry. */
export interface EntryFacts {
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  /** Of a file's contents, if it was asked for. */
  readonly sha256?: string | undefined;
}

/** Reads the headers of an entry, and hashes its contents if that is asked for. */
export type ReadFacts = (layer: IndexedLayer, entry: number, needsHash: boolean) => Promise<EntryFacts>;

/** A version as its own entry has it. */
interface OwnVersion {
  readonly at: PathEntry;
  readonly entry: RecordedEntry;
  /** The entry with the contents, of which the layer counts from the oldest. */
  readonly contents: { readonly layer: number; readonly entry: number };
  readonly sha256: () => Promise<string | undefined>;
}

/**
 * Tells what became of a path, oldest first. Contents of the same size are compared by their hashes, never assumed to
 * be the same.
 *
 * @param path one that has versions, from the root, without a slash at either end; symlinks are not followed
 * @throws as `read`
 */
export async function* pathHistory(
  versions: Versions,
  path: Uint8Array,
  read: ReadFacts,
): AsyncGenerator<PathEvent, void, void> {
  const described = [...versions.shadows.all(placeOf(versions, path))].reverse();
  let before: OwnVersion | undefined;
  for (const at of described) {
    const own = await ownVersion(versions, at, read);
    const gone = before && (await removal(versions, before, at));
    if (gone) yield gone;
    const layer = versions.layerNumber(at.layer);
    if (!before || gone) yield { action: 'added', layer, differences: [], entry: own.entry };
    else {
      const differences = await differencesBetween(before, own);
      const action = differences.length > 0 ? 'changed' : 'described';
      yield { action, layer, differences, entry: { ...own.entry, sha256: undefined } };
    }
    before = own;
  }
  const gone = before && (await removal(versions, before, undefined));
  if (gone) yield gone;
}

/**
 * The removal of a version, unless the next one takes its place at once.
 *
 * @param next the entry that describes the path next
 */
async function removal(
  versions: Versions,
  { at, entry }: OwnVersion,
  next: PathEntry | undefined,
): Promise<PathEvent | undefined> {
  const node = versions.lasting(at.node);
  const layer = versions.hidingLayer(node);
  if (layer === NONE || (next && (next.node === at.node || next.layer <= layer))) return undefined;
  return { action: 'removed', layer: versions.layerNumber(layer), differences: [], entry };
}

async function ownVersion(versions: Versions, at: PathEntry, read: ReadFacts): Promise<OwnVersion> {
  const { tree, layers } = versions.merged;
  const layer = layers[at.layer] as IndexedLayer;
  const { entries } = layer;
  const node = versions.lasting(at.node);
  const inode = tree.inode(at.node);
  const isLink = entries.type(at.entry) === TYPE.hardLink;
  const contents =
    inode === NONE
      ? { layer: at.layer, entry: at.entry }
      : { layer: tree.inodes.contentLayer.get(inode), entry: tree.inodes.contentEntry.get(inode) };
  const what =
    tree.kind(at.node) === KIND.directory
      ? { type: recordedType(TYPE.directory), size: 0 }
      : indexedContents(versions.merged, inode);
  const { mode, uid, gid, mtime, mtimeNanos } = entries.metadata(at.entry);
  const holder = isLink ? contents : at;
  const { xattrs } = await read(layers[holder.layer] as IndexedLayer, holder.entry, false);
  const entry: RecordedEntry = {
    path: tree.path(at.node),
    ...what,
    mode: what.type === 'symlink' ? 0o777 : mode,
    uid,
    gid,
    mtime: { seconds: mtime, nanos: mtimeNanos },
    xattrs,
    origin: { ...versions.originOf(node), ...ofEntry(versions, at, node) },
  };
  const sha256 = async () => (await read(layers[contents.layer] as IndexedLayer, contents.entry, true)).sha256;
  return { at, entry, contents, sha256 };
}

/** Where an older description of a directory comes from; it is hidden by none but the newer ones. */
function ofEntry(versions: Versions, { layer, node }: PathEntry, lasting: Node) {
  const { tree, layers } = versions.merged;
  if (tree.layer(lasting) === layer || node === NONE) return {};
  const { layer: described } = layers[layer] as IndexedLayer;
  return {
    layer: versions.layerNumber(layer),
    diffId: described.diffId,
    createdBy: described.history?.createdBy,
  };
}

async function differencesBetween(before: OwnVersion, now: OwnVersion): Promise<readonly Difference[]> {
  const [old, own] = [before.entry, now.entry];
  const differences: Difference[] = [];
  const note = (difference: Difference, isSame: boolean) => {
    if (!isSame) differences.push(difference);
  };
  const isSameType = old.type === own.type;
  note('type', isSameType);
  if (isSameType && own.type === 'file') note('content', await isSameContent(before, now));
  if (isSameType && own.type === 'symlink')
    note('target', Buffer.compare(old.target ?? NOTHING, own.target ?? NOTHING) === 0);
  note('device', !isSameType || (old.device?.major === own.device?.major && old.device?.minor === own.device?.minor));
  note('mode', old.mode === own.mode || old.type === 'symlink' || own.type === 'symlink');
  note('owner', old.uid === own.uid && old.gid === own.gid);
  note('time', old.mtime.seconds === own.mtime.seconds && old.mtime.nanos === own.mtime.nanos);
  note('xattrs', isSameXattrs(old.xattrs, own.xattrs));
  return differences;
}

async function isSameContent(before: OwnVersion, now: OwnVersion): Promise<boolean> {
  if (before.entry.size !== now.entry.size) return false;
  const [one, other] = [before.contents, now.contents];
  if (one.layer === other.layer && one.entry === other.entry) return true;
  return (await before.sha256()) === (await now.sha256());
}

function isSameXattrs(one: EntryFacts['xattrs'], other: EntryFacts['xattrs']): boolean {
  if (one.size !== other.size) return false;
  return [...one].every(([name, value]) => {
    const found = other.get(name);
    return found !== undefined && Buffer.from(found).equals(value);
  });
}
