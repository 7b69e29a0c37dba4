import type { Blobs, Document } from '../../image/blobs.js';
import { checkDigest, checkSize } from '../../image/checks.js';
import type { Descriptor } from '../../image/manifest.js';
import { type Digest, parseDigest } from '../../reference/digest.js';
import type { Documents } from './documents.js';

/** Blobs among the files of an image. */
export class BlobStore implements Blobs {
  readonly isNear = true;
  readonly #known = new Map<Digest, boolean>();
  readonly documents: Documents;
  readonly #verify: boolean;
  readonly #manifestPath: (digest: Digest) => string;
  /** Path of a config or a layer among the files. */
  readonly blobPath: (digest: Digest) => string;

  constructor(
    documents: Documents,
    verify: boolean,
    blobPath: (digest: Digest) => string,
    manifestPath: (digest: Digest) => string = blobPath,
  ) {
    this.documents = documents;
    this.#verify = verify;
    this.blobPath = blobPath;
    this.#manifestPath = manifestPath;
  }

  /**
   * Reads a manifest or an index, and compares it with its descriptor unless verification is off.
   *
   * @throws DIMGX_IMAGE_BAD_DIGEST, DIMGX_IMAGE_DIGEST_MISMATCH, DIMGX_IMAGE_SIZE_MISMATCH; what `Documents.read`
   *   throws
   */
  async manifest(descriptor: Descriptor): Promise<Document> {
    const digest = parseDigest(descriptor.digest, 'a manifest');
    return { bytes: await this.#read(this.#manifestPath(digest), descriptor, digest), digest };
  }

  /** Does the same for a config. */
  async config(descriptor: Descriptor): Promise<Document> {
    const digest = parseDigest(descriptor.digest, 'the config');
    return { bytes: await this.#read(this.blobPath(digest), descriptor, digest), digest };
  }

  async has(digest: Digest): Promise<boolean> {
    const known = this.#known.get(digest) ?? (await this.documents.lengthOf(this.blobPath(digest))) !== undefined;
    this.#known.set(digest, known);
    return known;
  }

  async #read(path: string, { size }: Descriptor, digest: Digest): Promise<Uint8Array> {
    const bytes = await this.documents.read(path);
    if (!this.#verify) return bytes;
    if (size != null) checkSize(bytes.length, size, path);
    checkDigest(bytes, digest, path);
    return bytes;
  }
}
