import type { Digest } from '../reference/digest.js';
import type { Descriptor } from './manifest.js';

/** Resolves descriptors to the documents and blobs they point at. */
export interface Blobs {
  /** Reads a manifest or an index and checks it against its descriptor. */
  manifest(descriptor: Descriptor): Promise<Document>;
  /** Reads a config and checks it against its descriptor. */
  config(descriptor: Descriptor): Promise<Document>;
  /** Path of a layer's blob in this store. */
  blobPath(digest: Digest): string;
  /** Whether looking up a blob is cheap. If it is not, `has` resolves to true for every blob. */
  readonly isNear: boolean;
  has(digest: Digest): Promise<boolean>;
}

export interface Document {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}
