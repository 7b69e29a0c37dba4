import type { PaxRecord } from './pax.js';

/** What is odd about how an entry is stored. Any of `REWRITE` keeps it from being copied as it stands. */
export const ODD = {
  /**
   * A number that readers take differently: a size on a type that has no contents, a number that begins with a NUL, an owner
   * below zero, a PAX number with a sign.
   */
  number: 1,
  /** A type that is read as another: a contiguous file, an old-style file whose name ends in a slash. */
  type: 2,
  /** A PAX override without a value, which readers take differently. */
  emptyOverride: 4,
  /**
   * Several extensions of one kind, or a name in both PAX and GNU form: readers disagree on which counts. Or a link target of
   * which the header's own field has nothing: bsdtar then makes an empty file.
   */
  extensions: 8,
  /** A PAX record that `isPortable` keeps out, but for those of Windows. */
  record: 16,
  /** A GNU header whose times are the rest of a name, as Go before 1.8 wrote. */
  gnuPrefix: 32,
  /** An old GNU sparse file. Does not keep it from being copied. */
  oldSparse: 64,
  /** Records of a sparse file on what is none, which readers take differently: GNU tar obeys `GNU.sparse.name` alone. */
  straySparse: 128,
  /** A PAX record that only images for Windows keep. */
  windowsRecord: 256,
  /** A PAX sparse file that GNU tar takes otherwise than others do, for its map or for the form of its header. */
  sparseMap: 512,
  /** An xattr whose name GNU tar does not take as it stands, see `isEscaped`. */
  escapedXattr: 1024,
  // What follows is told only while the entry is read.
  /** A PAX record is kept out that nothing in the output stands for, as the name in a header does for a PAX name. */
  lostRecord: 1 << 16,
  /** A sparse file in PAX form. Does not keep it from being copied. */
  paxSparse: 1 << 17,
  /** A contiguous file, which is read as a regular one. */
  contiguous: 1 << 18,
} as const;

export const REWRITE =
  ODD.number |
  ODD.type |
  ODD.emptyOverride |
  ODD.extensions |
  ODD.record |
  ODD.gnuPrefix |
  ODD.straySparse |
  ODD.sparseMap;

/** Owner, permissions and time: what a hard link's header applies to its inode. */
export interface Metadata {
  /** The low 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, floored. */
  readonly mtime: number;
  /** Nanoseconds to add to `mtime`. */
  readonly mtimeNanos: number;
}

/**
 * One entry as all its headers together tell it. Offsets are in bytes from the start of the archive. The scanner
 * fills the same object for every entry, and its views are valid only during the call that hands it over.
 */
export interface TarEntry extends Metadata {
  /** Of the first header block: an extension's or the entry's own. */
  readonly start: number;
  /** Of the entry's own header block. */
  readonly headerOffset: number;
  readonly dataOffset: number;
  /** Contents as stored, in bytes, without padding. */
  readonly dataSize: number;
  /** Behind the padding. */
  readonly end: number;
  /** The size in the headers: of a sparse file the real size. */
  readonly size: number;
  /** One of `TYPE`, read as meant: old-style and contiguous files are `file` or `directory`. */
  readonly type: number;
  /** As stored, not cleaned. */
  readonly name: Uint8Array;
  readonly link: Uint8Array;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Bits of `ODD`. */
  readonly odd: number;
  /** Records of the PAX header, in order. */
  readonly pax: readonly PaxRecord[];
}

/** An entry while it is being filled. */
export type EntryDraft = { -readonly [K in keyof TarEntry]: TarEntry[K] };
