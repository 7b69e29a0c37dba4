import type { IndexedLayer } from '../layer/layer-index.js';
import type { MergedTree } from '../merge/merged-tree.js';
import { NONE, type Node } from '../merge/node.js';
import { TYPE } from '../tar/header.js';
import type { RecordedEntry, RecordedType } from './recorded-entry.js';
import type { Versions } from './versions.js';

const TYPES: Readonly<Record<number, RecordedType>> = {
  [TYPE.file]: 'file',
  [TYPE.directory]: 'directory',
  [TYPE.symlink]: 'symlink',
  [TYPE.charDevice]: 'character',
  [TYPE.blockDevice]: 'block',
  [TYPE.fifo]: 'fifo',
};

/** What the indexes of the layers say of a version, without its origin. No contents are read: xattrs and hash are unknown. */
export type IndexedEntry = Omit<RecordedEntry, 'origin'>;

/** What an entry's type is called in records. @param type one of `TYPE`, but no hard link */
export function recordedType(type: number): RecordedType {
  return TYPES[type] as RecordedType;
}

/** What the file that an inode stands for is, and what it holds. */
export function indexedContents(
  { tree, layers }: MergedTree,
  inode: number,
): Pick<RecordedEntry, 'type' | 'size' | 'target' | 'device'> {
  const { entries } = layers[tree.inodes.contentLayer.get(inode)] as IndexedLayer;
  const entry = tree.inodes.contentEntry.get(inode);
  const type = recordedType(entries.type(entry));
  return {
    type,
    size: type === 'file' ? entries.size(entry) : 0,
    target: type === 'symlink' ? entries.link(entry) : undefined,
    device: type === 'character' || type === 'block' ? entries.device(entry) : undefined,
  };
}

const IMPLIED = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 } } as const;

/** Describes a version from the indexes alone. */
export function indexedEntry({ merged }: Versions, node: Node): IndexedEntry {
  const { tree, layers } = merged;
  const inode = tree.inode(node);
  const { layer, entry } =
    inode === NONE
      ? tree.ref(node)
      : { layer: tree.inodes.metadataLayer.get(inode), entry: tree.inodes.metadataEntry.get(inode) };
  const what = inode === NONE ? { type: 'directory' as const, size: 0 } : indexedContents(merged, inode);
  const common = { path: tree.path(node), ...what, xattrs: new Map() };
  if (entry === NONE) return { ...common, ...IMPLIED };
  const { mode, uid, gid, mtime, mtimeNanos } = (layers[layer] as IndexedLayer).entries.metadata(entry);
  return {
    ...common,
    mode: what.type === 'symlink' ? 0o777 : mode,
    uid,
    gid,
    mtime: { seconds: mtime, nanos: mtimeNanos },
  };
}
