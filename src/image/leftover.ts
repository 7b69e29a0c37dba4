/** What something is that an engine's storage has, and that nothing in it uses. */
export type LeftoverKind =
  /** A whole layer that no image and no container uses. */
  | 'unused layer'
  /** A layer that was never complete. */
  | 'incomplete layer'
  /** A layer that the engine had begun to remove. */
  | 'half-deleted layer'
  /** The changes of a container that is gone, or what was prepared for it. */
  | 'lost container'
  /** A folder that no record names. */
  | 'orphaned folder'
  /** A record of a layer whose folder is gone. */
  | 'lost folder'
  /** Documents of an image, a layer or a container that is in no list. */
  | 'orphaned documents'
  /** A blob of containerd that no image consists of. */
  | 'unused blob'
  /** What was downloaded of a blob. */
  | 'unfinished download';

/** Something in an engine's storage that no image and no container uses. */
export interface Leftover {
  readonly kind: LeftoverKind;
  /** Its ID: for a layer, the name of its folder; in containerd, after that of the snapshotter: `overlayfs/12`. */
  readonly id: string;
  /** Where it is below the folder of the storage. */
  readonly path: string;
  /** Sum of the sizes of its files, in bytes. */
  readonly size?: number;
  /** When its folder was last changed: RFC 3339. */
  readonly modified?: string;
  /** Whether `layer/ID` opens it. */
  readonly isLayer: boolean;
  /** The reference of the storage that has it, if several were listed. */
  readonly store?: string;
}
