/** A part of a layer to be read: the uncompressed bytes from `from` on. */
export interface LayerPart {
  readonly from: number;
  readonly into: Uint8Array;
}

/** A range of a layer's uncompressed bytes. */
export interface LayerRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Reads the uncompressed bytes of one layer, in the order of the output. Reads must be started in that order; several
 * may be under way.
 */
export interface LayerReader {
  /**
   * Reads parts that lie close together, in ascending order.
   *
   * @returns `undefined` if they have been read
   * @throws DIMGX_SOURCE_CHANGED, DIMGX_SOURCE_UNREADABLE, DIMGX_SOURCE_NO_SPACE, DIMGX_COMPRESSION_CORRUPT,
   *   DIMGX_ABORTED
   */
  read(parts: readonly LayerPart[]): Promise<void> | undefined;
  /**
   * Reads an entry's headers, from their first byte on.
   *
   * @returns a copy
   * @throws as `read`
   */
  readHeaders(range: LayerRange): Promise<Uint8Array>;
  /** Ends reads under way, and releases what the reader holds. */
  close(): Promise<void>;
}
