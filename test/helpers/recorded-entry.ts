import type { RecordedEntry, VersionOrigin } from '#dimgx/evidence/recorded-entry.js';
import type { Tree, TreeEntry } from './tree.js';

/** Changes to a recorded entry. Paths and targets are text with a character for each byte. */
export interface RecordedChanges extends Omit<Partial<RecordedEntry>, 'path' | 'target' | 'origin'> {
  readonly path?: string;
  readonly target?: string;
  readonly origin?: Partial<VersionOrigin>;
}

/** The entry of an empty file `a` in the first layer, with these changes. */
export function recordedEntry({ path = 'a', target, origin, ...changes }: RecordedChanges = {}): RecordedEntry {
  return {
    path: bytes(path),
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: { seconds: 0, nanos: 0 },
    ...(target !== undefined && { target: bytes(target) }),
    xattrs: new Map(),
    ...changes,
    origin: {
      layer: 1,
      aliveAs: [],
      shadows: [],
      moreAliveAs: 0,
      moreShadows: 0,
      isImplied: false,
      inode: 1,
      nlink: 1,
      ...origin,
    },
  };
}

/** A tree on disk, as records would have it of a tar that was extracted there: the root first, then by their bytes. */
export function recordedTree(tree: Tree): readonly RecordedEntry[] {
  const firstOf = (path: string) => tree.get(path)?.sameFileAs || path;
  const names = [...tree.keys()].map(firstOf);
  const order = (path: string) => (path === '.' ? '' : path.replaceAll('/', '\0'));
  const paths = [...tree.keys()].sort((one, other) => (order(one) < order(other) ? -1 : 1));
  return paths.map((path) => {
    const origin = {
      inode: names.indexOf(firstOf(path)) + 1,
      nlink: names.filter((name) => name === firstOf(path)).length,
    };
    return recordedEntry({ path: path === '.' ? '' : path, ...fieldsOf(tree.get(path) as TreeEntry), origin });
  });
}

function fieldsOf({ type, mode, owner, size, mtime, target, device, sha256 }: TreeEntry): RecordedChanges {
  const [uid = 0, gid = 0] = owner.split(':').map(Number);
  const [seconds = 0, nanos = 0] = mtime.split('.').map(Number);
  const [major = 0, minor = 0] = device.split(':').map(Number);
  return {
    type: type.replace(' device', '') as RecordedEntry['type'],
    mode: Number.parseInt(mode, 8),
    uid,
    gid,
    size: Number(size),
    mtime: { seconds, nanos },
    ...(type === 'symlink' && { target }),
    ...(device !== '' && { device: { major, minor } }),
    ...(type === 'file' && { sha256 }),
  };
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
