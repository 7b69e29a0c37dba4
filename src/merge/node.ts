/** Number of a node in the tree. A child's number is higher than its directory's. */
export type Node = number;
export const NONE = -1;

/** Identifies an entry: the number of its layer in order of application, and its number in that layer. */
export interface EntryRef {
  readonly layer: number;
  /** `NONE` for a directory that is only implied by the paths of other entries. */
  readonly entry: number;
}

/** What a node's name refers to. */
export const KIND = { directory: 0, symlink: 1, other: 2 } as const;
