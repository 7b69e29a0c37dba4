import type { Digest } from '../reference/digest.js';
import type { Descriptor } from './manifest.js';

/** Where what descriptors point at can be had. */
export interface Blobs {
  /** A manifest or an index, compared with its descriptor. */
  manifest(descriptor: Descriptor): Promise<Document>;
  /** The same for a config. */
  config(descriptor: Descriptor): Promise<Document>;
  /** What a layer is called there. */
  blobPath(digest: Digest): string;
  /** Whether to look for a blob costs little. Where it does not, `has` says of all that they are there. */
  readonly isNear: boolean;
  has(digest: Digest): Promise<boolean>;
}

export interface Document {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}
