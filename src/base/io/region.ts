/** A seekable file that contains regions. It need not be open while it is not being read. */
export interface RegionFile {
  /**
   * Keeps the file open until `release`, opening it if necessary.
   *
   * @returns its descriptor, for reads by position only
   * @throws DIMGX_ABORTED after `seal`; DIMGX_EXTRACT_CHANGED if another file has taken its place;
   *   DIMGX_TOO_MANY_FILES, DIMGX_SOURCE_UNREADABLE
   */
  hold(): number | Promise<number>;
  /** Ends one `hold`. */
  release(): void;
  /** @throws DIMGX_EXTRACT_CHANGED if the file was written since it was first opened; DIMGX_SOURCE_UNREADABLE */
  requireUnchanged(): Promise<void>;
  /** Makes every later `hold` fail. */
  seal(): void;
  /**
   * Calls `listener` once when the file is sealed.
   *
   * @returns unregisters the listener
   */
  onSeal(listener: () => void): () => void;
  /** Seals the file, and closes it once every hold is released. May be called twice. */
  close(): Promise<void>;
}

/**
 * A range of bytes in a seekable file. The code that opened the file closes it.
 *
 * @typeParam File a descriptor where the caller holds the file open
 */
export interface Region<File = RegionFile> {
  readonly file: File;
  /** Offset of the first byte, from the start of the file. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
}

/** A region of a file that is being held open. */
export type OpenRegion = Region<number>;
