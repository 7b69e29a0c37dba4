import type { IndexedLayer } from '../layer/layer-index.js';
import type { MergedTree } from '../merge/merged-tree.js';
import { NONE, type Node } from '../merge/node.js';
import type { Metadata } from '../tar/entry.js';
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

const NO_XATTRS: RecordedEntry['xattrs'] = new Map();

const DIRECTORY: ReturnType<typeof indexedContents> = {
  type: 'directory',
  size: 0,
  target: undefined,
  device: undefined,
};

/** What a directory that no entry describes is like. */
const IMPLIED: Metadata = { mode: 0o755, uid: 0, gid: 0, mtime: 0, mtimeNanos: 0 };

/** Describes a version from the indexes alone: its xattrs and its hash are unknown. */
export function indexedEntry(versions: Versions, node: Node): RecordedEntry {
  const { merged } = versions;
  const { tree } = merged;
  const inode = tree.inode(node);
  const { type, size, target, device } = inode === NONE ? DIRECTORY : indexedContents(merged, inode);
  const { mode, uid, gid, mtime, mtimeNanos } = metadataOf(merged, node, inode);
  return {
    path: tree.path(node),
    type,
    mode: type === 'symlink' ? 0o777 : mode,
    uid,
    gid,
    size,
    mtime: { seconds: mtime, nanos: mtimeNanos },
    target,
    device,
    xattrs: NO_XATTRS,
    origin: versions.originOf(node),
  };
}

function metadataOf({ tree, layers }: MergedTree, node: Node, inode: number): Metadata {
  const layer = inode === NONE ? tree.layer(node) : tree.inodes.metadataLayer.get(inode);
  const entry = inode === NONE ? tree.entry(node) : tree.inodes.metadataEntry.get(inode);
  return entry === NONE ? IMPLIED : (layers[layer] as IndexedLayer).entries.metadata(entry);
}
