import type { PaxRecord } from './pax.js';

/**
 * Bits for quirks in how an entry is stored. Entries with a bit of `REWRITE` cannot be copied unchanged. The low 16
 * bits of a word are for these; those above are for `FLAG`, of the index.
 */
export const QUIRK = {
  /**
   * A number that readers interpret differently: a size on a type without contents, a number that begins with a NUL, a
   * negative owner, or a PAX number with a sign.
   */
  number: 1,
  /** A type that is read as another one: a contiguous file, or an old-style file whose name ends in a slash. */
  type: 2,
  /** A PAX override with an empty value, which readers interpret differently. */
  emptyOverride: 4,
  /**
   * Several extensions of one kind, or a name in both PAX and GNU form: readers disagree on which one wins. Or a link
   * target missing from the header's own field: bsdtar then creates an empty file.
   */
  extensions: 8,
  /** A PAX record that `isPortable` rejects, except Windows records. */
  record: 16,
  /** A GNU header with part of the name in its time fields, as written by Go before 1.8. */
  gnuPrefix: 32,
  /** An old GNU sparse file. Can still be copied unchanged. */
  oldSparse: 64,
  /**
   * Sparse-file records on an entry that is not a sparse file. Readers differ: GNU tar honors only `GNU.sparse.name`.
   */
  straySparse: 128,
  /** A PAX record that is kept only in images for Windows. */
  windowsRecord: 256,
  /** A PAX sparse file that GNU tar reads differently from other readers, because of its map or its header format. */
  sparseMap: 512,
  /** An xattr whose name GNU tar would unescape, see `isEscaped`. */
  escapedXattr: 1024,
  /** A header with the name of its owner or group. It is emptied in the copy, without a rewrite. */
  ownerName: 16384,
  // The bits below are set only while the entry is read: the index does not keep them.
  /** A dropped PAX record whose information is lost. (A dropped PAX name is not lost: the header holds the name.) */
  lostRecord: 2048,
  /** A PAX sparse file. Can still be copied unchanged. */
  paxSparse: 4096,
  /** A contiguous file, read as a regular file. */
  contiguous: 8192,
} as const;

export const REWRITE =
  QUIRK.number |
  QUIRK.type |
  QUIRK.emptyOverride |
  QUIRK.extensions |
  QUIRK.record |
  QUIRK.gnuPrefix |
  QUIRK.straySparse |
  QUIRK.sparseMap;

/** Owner, permissions and time. A hard link's header applies them to the inode it shares. */
export interface Metadata {
  /** The low 12 bits of the mode. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, floored. */
  readonly mtime: number;
  /** Nanoseconds to add to `mtime`. */
  readonly mtimeNanos: number;
}

/**
 * One entry, decoded from all of its headers. Offsets are in bytes from the start of the archive. The scanner reuses
 * one object for all entries; its views are valid only during the callback.
 */
export interface TarEntry extends Metadata {
  /** Offset of the first header block: an extension's or the entry's own. */
  readonly start: number;
  /** Offset of the entry's own header block. */
  readonly headerOffset: number;
  readonly dataOffset: number;
  /** Size of the stored contents, in bytes, without padding. */
  readonly dataSize: number;
  /** Offset after the padding. */
  readonly end: number;
  /** The size from the headers; the real size for a sparse file. */
  readonly size: number;
  /** One of `TYPE`, normalized: old-style and contiguous files become `file` or `directory`. */
  readonly type: number;
  /** As stored, not cleaned. */
  readonly name: Uint8Array;
  readonly link: Uint8Array;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Bits of `QUIRK`. */
  readonly quirks: number;
  /** Records of the PAX header, in order. */
  readonly pax: readonly PaxRecord[];
}

/** An entry while it is being filled. */
export type EntryDraft = { -readonly [K in keyof TarEntry]: TarEntry[K] };

const EMPTY = new Uint8Array(0);

/** An empty entry for `decodeEntry` to fill. One object literal: building it from parts took longer than decoding. */
export function emptyEntry(): TarEntry {
  return {
    start: 0,
    headerOffset: 0,
    dataOffset: 0,
    dataSize: 0,
    end: 0,
    size: 0,
    type: 0,
    name: EMPTY,
    link: EMPTY,
    deviceMajor: 0,
    deviceMinor: 0,
    mode: 0,
    uid: 0,
    gid: 0,
    mtime: 0,
    mtimeNanos: 0,
    quirks: 0,
    pax: [],
  };
}
