/** What was found out about one thing that a snapshot or an image claims. */
export interface VerifyResult {
  /** A file of the bag, `manifest`, `config`, or a layer: `layer @1`, where 1 is the base. Printable. */
  readonly subject: string;
  /**
   * `file`: the bag's manifests list the file, with this digest. `record`: what the file says agrees with the rest of the
   * snapshot. `digest`, `size`: those of the stored bytes. `diffId`: the digest of the uncompressed bytes.
   */
  readonly claim: 'file' | 'record' | 'digest' | 'size' | 'diffId';
  /** What is claimed: a digest, or a number of bytes. */
  readonly value?: string;
  readonly ok: boolean;
  /** What is wrong, worded to follow the subject; printable. Absent if nothing is. */
  readonly problem?: string;
}
