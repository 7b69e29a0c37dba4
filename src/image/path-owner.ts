import type { Leftover } from './leftover.js';

/** What a path of an engine's storage is. */
export type PathKind =
  | 'layer'
  | 'prepared for a container'
  | 'changes of a container'
  | 'merged tree'
  | 'documents of a layer'
  | 'documents of a container'
  | 'documents of an image'
  | 'blob'
  | 'unfinished download'
  | 'volume';

/** An image or a container that a path belongs to. */
export interface NamedOwner {
  /** 64 hex digits; for a container of containerd, what its client chose. */
  readonly id: string;
  readonly names: readonly string[];
  /** The namespace of containerd that it is in. */
  readonly namespace?: string;
  /** What of an image has the path, if that is known. */
  readonly part?: 'index' | 'manifest' | 'config' | 'layer';
  /** Which layer of an image has the path, counted from 1 for the base. */
  readonly layer?: number;
  /** Where a container has the volume that the path is in. */
  readonly destinations?: readonly string[];
}

/** Whom a path of an engine's storage belongs to. If nobody uses it, there are no images and no containers. */
export interface PathOwner {
  readonly kind: PathKind;
  /** ID of the layer, the container or the image; name of the volume. */
  readonly id: string;
  /**
   * The path in the tree that a container sees, or in the volume, if it is the path of a file: without a slash at its
   * start.
   */
  readonly path?: string;
  readonly images: readonly NamedOwner[];
  readonly containers: readonly NamedOwner[];
  /** Whether the engine keeps it for something else: its build cache, or a download that is running. */
  readonly isHeld: boolean;
  /** What it is among the leftovers of the storage, if nobody uses it. */
  readonly leftover?: Pick<Leftover, 'kind' | 'id'>;
}
