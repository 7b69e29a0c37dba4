import type { TarEntry } from '../tar/entry.js';
import { entryTimes } from '../tar/entry-times.js';
import { xattrsOf } from '../tar/portable-record.js';
import { recordedType } from './indexed-entry.js';
import type { RecordedEntry } from './recorded-entry.js';

/** What all names of a file share, as the headers of its first name in a tar have it. */
export type FileFacts = Omit<RecordedEntry, 'path' | 'mode' | 'uid' | 'gid' | 'mtime' | 'origin'>;

/**
 * @param entry no hard link
 * @param bytes what the entry's offsets count in; targets and xattrs are views of them
 */
export function fileFacts(entry: TarEntry, sha256: string | undefined, bytes: Uint8Array): FileFacts {
  const { type, size, target, device } = storedContents(entry);
  const { atime, ctime, crtime } = entryTimes(entry, bytes);
  return { type, size, target, device, atime, ctime, crtime, xattrs: xattrsOf(entry), sha256 };
}

/** What the headers of an entry say of what it is and holds. */
export function storedContents(entry: TarEntry): Pick<RecordedEntry, 'type' | 'size' | 'target' | 'device'> {
  const type = recordedType(entry.type);
  return {
    type,
    size: type === 'file' ? entry.size : 0,
    target: type === 'symlink' ? entry.link : undefined,
    device:
      type === 'character' || type === 'block' ? { major: entry.deviceMajor, minor: entry.deviceMinor } : undefined,
  };
}

/** A copy without views of a buffer that is filled again. */
export function detachedXattrs(xattrs: RecordedEntry['xattrs']): RecordedEntry['xattrs'] {
  return new Map([...xattrs].map(([name, value]) => [name, detachedBytes(value)]));
}

/** The same of bytes. */
export function detachedBytes(bytes: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes);
}
