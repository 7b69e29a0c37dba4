/** A seekable file that regions lie in. It need not be open while nobody reads it. */
export interface RegionFile {
  /**
   * Keeps the file open until `release`, and opens it when it is not open.
   *
   * @returns its descriptor, to be read by position only
   * @throws DIMGX_ABORTED after `seal`; DIMGX_EXTRACT_CHANGED when another file has taken its place;
   *   DIMGX_TOO_MANY_FILES, DIMGX_SOURCE_UNREADABLE
   */
  hold(): number | Promise<number>;
  /** Ends one `hold`. */
  release(): void;
  /** @throws DIMGX_EXTRACT_CHANGED when the file has been written since it was first opened; DIMGX_SOURCE_UNREADABLE */
  requireUnchanged(): Promise<void>;
  /** Nobody gets hold of the file from now on. */
  seal(): void;
  /**
   * Calls a function once when the file is sealed.
   *
   * @returns takes the function back
   */
  onSeal(listener: () => void): () => void;
  /** Seals the file, and closes it as soon as nobody holds it. May be called twice. */
  close(): Promise<void>;
}

/**
 * A stretch of bytes in a seekable file. The code that opened the file closes it.
 *
 * @typeParam File a descriptor where the file is held open meanwhile
 */
export interface Region<File = RegionFile> {
  readonly file: File;
  /** Of the first byte, in bytes from the start of the file. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
}

/** A region of a file that somebody holds open. */
export type OpenRegion = Region<number>;
