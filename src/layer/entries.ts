import { TYPE } from '../tar/header.js';
import type { EntryTable } from './entry-table.js';

/** What kind of object an entry creates. A hard link adds another name to a file. */
export type EntryType = 'file' | 'directory' | 'symlink' | 'hard link' | 'character device' | 'block device' | 'fifo';

/** Numbers of a character or block device. */
export interface DeviceNumbers {
  readonly major: number;
  readonly minor: number;
}

/** One entry of a layer, as described by its headers. Text is decoded as UTF-8; invalid bytes become U+FFFD. */
export interface EntryView {
  /** Number of the entry in its layer, in stored order, from 0. */
  readonly index: number;
  /** Path from the root, without a slash at either end; empty for the root. */
  readonly path: string;
  /** The path as raw bytes. */
  readonly pathBytes: Uint8Array;
  readonly type: EntryType;
  /** Size of the contents, in bytes; 0 if there are none. The holes of a sparse file count. */
  readonly size: number;
  /** The low 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, floored. */
  readonly mtime: number;
  /** Nanoseconds to add to `mtime`. */
  readonly mtimeNanos: number;
  /** Target of a symlink, as stored, or of a hard link, relative to the root. */
  readonly link?: string;
  /** The target as raw bytes. */
  readonly linkBytes?: Uint8Array;
  /** Set for devices. */
  readonly device?: DeviceNumbers;
}

/** The entries of a layer, in stored order. Views are created on access. */
export interface Entries extends Iterable<EntryView> {
  readonly length: number;
  /** @returns `undefined` if there is no such entry */
  at(index: number): EntryView | undefined;
}

const TYPES: ReadonlyMap<number, EntryType> = new Map([
  [TYPE.file, 'file'],
  [TYPE.directory, 'directory'],
  [TYPE.symlink, 'symlink'],
  [TYPE.hardLink, 'hard link'],
  [TYPE.charDevice, 'character device'],
  [TYPE.blockDevice, 'block device'],
  [TYPE.fifo, 'fifo'],
]);

/** @param index number of an entry in the table */
export function entryView(table: EntryTable, index: number): EntryView {
  const type = TYPES.get(table.type(index)) ?? 'file';
  const pathBytes = table.path(index);
  const isLink = type === 'symlink' || type === 'hard link';
  const linkBytes = isLink ? table.link(index) : undefined;
  const isDevice = type === 'character device' || type === 'block device';
  return {
    index,
    path: textOf(pathBytes),
    pathBytes,
    type,
    size: table.size(index),
    ...table.metadata(index),
    ...(linkBytes && { link: textOf(linkBytes), linkBytes }),
    ...(isDevice && { device: table.device(index) }),
  };
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
