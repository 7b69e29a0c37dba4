/** What kind of file a version is. A hard link is another name of a file, and has the file's type. */
export type RecordedType = 'file' | 'directory' | 'symlink' | 'character' | 'block' | 'fifo';

/**
 * What hides a version.
 * - `removed`: a whiteout of its path, or of a directory above it.
 * - `opaque`: the opaque marker of a directory above it.
 * - `replaced`: an entry of a newer layer at its path.
 * - `parent`: something above it is no directory any more.
 * - `duplicate`: a later entry of its own layer at its path.
 */
export type HiddenHow = 'removed' | 'opaque' | 'replaced' | 'parent' | 'duplicate';

/** A time in whole seconds since 1970, floored, and the nanoseconds to add. */
export interface RecordedTime {
  readonly seconds: number;
  readonly nanos: number;
}

/** Where a version comes from, and what became of it. Layers are counted from 1, the base. */
export interface VersionOrigin {
  readonly layer: number;
  /**
   * The number of its entry in the layer, counted from 1, if the tar of hidden versions has it in a folder of its own.
   */
  readonly entry?: number | undefined;
  readonly diffId?: string | undefined;
  /** The command that made the layer, as the image's history has it. */
  readonly createdBy?: string | undefined;
  /** What hides it: the entry's layer and path from the root. Absent if the version is present. */
  readonly hiddenBy?: { readonly layer: number; readonly how: HiddenHow; readonly path: Uint8Array } | undefined;
  /** Present names of the same file, if the version is hidden: paths from the root, the first ones of many. */
  readonly aliveAs: readonly Uint8Array[];
  /** Older versions of the path, newest first. */
  readonly shadows: readonly { readonly layer: number; readonly inode: number }[];
  /** Number of aliases and shadows that are too many to be listed. */
  readonly moreAliveAs: number;
  readonly moreShadows: number;
  /** No entry describes it: it is a directory that the paths of other entries imply. */
  readonly isImplied: boolean;
  /** The same for all names of one file. */
  readonly inode: number;
  /** Number of names of the file: in the output, or if the version is hidden, among the hidden versions. */
  readonly nlink: number;
}

/** One entry of an output tar, with everything that the records say of it. */
export interface RecordedEntry {
  /** Path from the root, without a slash at either end; empty for the root. For a hidden version: its original path. */
  readonly path: Uint8Array;
  readonly type: RecordedType;
  /** The low 12 bits. 0777 for a symlink, whatever its header says: Linux gives it no other. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Size of the contents, in bytes; the holes of a sparse file count. 0 unless it is a file. */
  readonly size: number;
  readonly mtime: RecordedTime;
  /** Only if the headers have them: PAX `atime`, `ctime`, `LIBARCHIVE.creationtime`, or the fields of a GNU header. */
  readonly atime?: RecordedTime | undefined;
  readonly ctime?: RecordedTime | undefined;
  readonly crtime?: RecordedTime | undefined;
  /** Target of a symlink, as stored. */
  readonly target?: Uint8Array | undefined;
  /** Numbers of a character or block device. */
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  /** By name, as latin1. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  /** Of a file's contents, in hex; `undefined` if they were not hashed. */
  readonly sha256?: string | undefined;
  readonly origin: VersionOrigin;
}

/** Writes the lines of one kind of record. Lines are latin1 text: each character is a byte. */
export interface RecordWriter {
  /**
   * Text before the first line, with line ends.
   *
   * @param first the first entry that the record describes, if there is any: the root, if the tar has an entry for it
   */
  heading(first: Pick<RecordedEntry, 'path'> | undefined): string;
  /** Whether it needs the SHA-256 of contents. */
  readonly needsHashes: boolean;
  /** Whether it has lines for hidden versions. */
  readonly hasHidden: boolean;
  /** The lines of an entry, with line ends; empty if the record has none for it. */
  line(entry: RecordedEntry): string;
}
