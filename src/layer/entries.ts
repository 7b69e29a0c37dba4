import { TYPE } from '../tar/header.js';
import type { EntryTable } from './entry-table.js';

/** What an entry makes. A hard link makes another name of a file. */
export type EntryType = 'file' | 'directory' | 'symlink' | 'hard link' | 'character device' | 'block device' | 'fifo';

/** One entry of a layer, as its headers describe it. Text is decoded as UTF-8: bytes that are none become U+FFFD. */
export interface EntryView {
  /** Its number in the layer, in stored order, from 0. */
  readonly index: number;
  /** From the root, without a slash at either end; empty for the root. */
  readonly path: string;
  /** The same, byte for byte. */
  readonly pathBytes: Uint8Array;
  readonly type: EntryType;
  /** Of the contents, in bytes; of a sparse file, holes included. 0 for whatever has none. */
  readonly size: number;
  /** The low 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, floored. */
  readonly mtime: number;
  /** Nanoseconds to add to `mtime`. */
  readonly mtimeNanos: number;
  /** The target of a symlink, as stored, or of a hard link, from the root. */
  readonly link?: string;
  /** The same, byte for byte. */
  readonly linkBytes?: Uint8Array;
}

/** The entries of a layer, in stored order. A view is made when it is asked for. */
export interface Entries extends Iterable<EntryView> {
  readonly length: number;
  /** @returns `undefined` where there is no such entry */
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

/** @param index of an entry of the table */
export function entryView(table: EntryTable, index: number): EntryView {
  const type = TYPES.get(table.type(index)) ?? 'file';
  const pathBytes = table.path(index);
  const linkBytes = table.link(index);
  const isLink = type === 'symlink' || type === 'hard link';
  return {
    index,
    path: textOf(pathBytes),
    pathBytes,
    type,
    size: table.size(index),
    ...table.metadata(index),
    ...(isLink && { link: textOf(linkBytes), linkBytes }),
  };
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
