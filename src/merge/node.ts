/** A node of the tree, by number. A child's number is higher than its directory's. */
export type Node = number;
export const NONE = -1;

/** Which entry of which layer: the number of the layer in the order of application, the number of the entry in it. */
export interface EntryRef {
  readonly layer: number;
  /** `NONE` for a directory that only the paths of others imply. */
  readonly entry: number;
}

/** What kind of thing a node names. */
export const KIND = { directory: 0, symlink: 1, other: 2 } as const;
