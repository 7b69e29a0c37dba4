/** A stretch of bytes in an open, seekable file. Whoever opened the file closes it. */
export interface Region {
  /** An open descriptor, read by position only. */
  readonly fd: number;
  /** Of the first byte, in bytes from the start of the file. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
  /**
   * When the file was last written, in nanoseconds since 1970, as it was opened. None for a spool, which nobody else
   * can write.
   */
  readonly modified?: bigint;
}
