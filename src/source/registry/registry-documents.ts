import { DimgxError } from '../../errors.js';
import { type Digest, parseDigest } from '../../image/digest.js';
import { MAX_DOCUMENT } from '../../image/limits.js';
import type { Descriptor } from '../../image/manifest.js';
import type { Blobs, Document } from '../blob-store.js';
import { checkSize } from '../checks.js';
import type { Repository } from './repository.js';

/** Of all documents that opening one image reads, in bytes. */
const MAX_ALL_DOCUMENTS = 64 * 2 ** 20;

/** What the smallest counts: to ask for one takes a while, whatever is in it. */
const LEAST_DOCUMENT = 2 ** 16;

/** Manifests and configs in a registry, within bounds. Each is read once. */
export class RegistryDocuments implements Blobs {
  readonly #repository: Repository;
  readonly #read = new Map<Digest, Promise<Document>>();
  #left = MAX_ALL_DOCUMENTS;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  manifest(descriptor: Descriptor): Promise<Document> {
    const digest = parseDigest(descriptor.digest, 'a manifest');
    return this.#once(digest, descriptor, async () => (await this.#repository.manifest(digest)).bytes);
  }

  config(descriptor: Descriptor): Promise<Document> {
    const digest = parseDigest(descriptor.digest, 'the config');
    return this.#once(digest, descriptor, () => this.#repository.config(digest));
  }

  blobPath(digest: Digest): string {
    return digest;
  }

  #once(digest: Digest, { size }: Descriptor, read: () => Promise<Uint8Array>): Promise<Document> {
    const known = this.#read.get(digest);
    if (known) return known;
    this.#left -= Math.max(size, LEAST_DOCUMENT);
    if (size > MAX_DOCUMENT || this.#left < 0) throw tooLarge(digest, size);
    const document = read().then((bytes) => {
      checkSize(bytes.length, size, `the document ${digest}`);
      return { bytes, digest };
    });
    document.catch(() => undefined); // whoever waits for it is told
    this.#read.set(digest, document);
    return document;
  }
}

function tooLarge(digest: Digest, size: number): DimgxError {
  const what = size > MAX_DOCUMENT ? `the document ${digest} is ${size} bytes long` : 'there are too many documents';
  return new DimgxError('DIMGX_IMAGE_TOO_LARGE', `${what}: this is no sound image, and nothing more of it is read`);
}
