import { handledLater } from '../base/call/deferred.js';
import { writeAllAt } from '../base/io/appender.js';
import { readRegion } from '../base/io/region.js';
import { MAX_DOCUMENT } from '../base/limits.js';
import { quoted } from '../base/text/printable.js';
import type { BlobCache } from '../cache/blob-cache.js';
import { DimgxError } from '../errors.js';
import { checkDigest, checkSize } from '../image/checks.js';
import { DocumentBudget } from '../image/document-budget.js';
import type { Blobs, Descriptor, Document } from '../image/manifest.js';
import { type Digest, parseDigest } from '../reference/digest.js';
import type { Repository, ServedManifest } from './repository.js';

/** The least that a document counts, in bytes: every request takes a while, however small its answer. */
const LEAST_DOCUMENT = 2 ** 16;

/**
 * Manifests and configs in a registry, with limits on their size. Each is read once, from the cache if possible, and
 * then cached.
 */
export class RegistryDocuments implements Blobs {
  readonly isNear = false;
  readonly #repository: Repository;
  readonly #cache: BlobCache;
  readonly #read = new Map<Digest, Promise<Document>>();
  readonly #budget = new DocumentBudget(LEAST_DOCUMENT);

  constructor(repository: Repository, cache: BlobCache) {
    this.#repository = repository;
    this.#cache = cache;
  }

  /**
   * The manifest or index that the repository's name refers to. A tag is resolved by the registry each time, unless
   * offline.
   *
   * @throws as `Repository.top`
   */
  async top(): Promise<ServedManifest> {
    const { name, isOffline } = this.#repository;
    const digest = name.digest ?? (isOffline ? await this.#cache.recall(name.full) : undefined);
    const kept = digest && (await this.#find(digest));
    if (kept) return { bytes: kept, digest, location: 'the cache' };
    const served = await this.#repository.top();
    await this.#keepWhole(served);
    if (!name.digest) await this.#cache.remember(name.full, served.digest);
    return served;
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

  async has(): Promise<boolean> {
    return true;
  }

  #once(digest: Digest, { size }: Descriptor, read: () => Promise<Uint8Array>): Promise<Document> {
    const known = this.#read.get(digest);
    if (known) return known;
    this.#budget.spend(`the document ${digest}`, size ?? 0);
    const document = handledLater(this.#findOr(digest, size, read));
    this.#read.set(digest, document);
    return document;
  }

  async #findOr(digest: Digest, size: Descriptor['size'], read: () => Promise<Uint8Array>): Promise<Document> {
    const bytes = (await this.#find(digest)) ?? (await this.#readFirst(digest, size, read));
    if (size == null) this.#budget.spendRest(bytes.length);
    else checkSize(bytes.length, size, `the document ${digest}`);
    return { bytes, digest };
  }

  /** @param size missing if no descriptor gives it; the document is then read before it is cached */
  async #readFirst(digest: Digest, size: Descriptor['size'], read: () => Promise<Uint8Array>): Promise<Uint8Array> {
    if (size != null) return this.#readOnce(digest, size, read);
    const bytes = await read();
    await this.#keep(digest, bytes.length, async () => bytes);
    return bytes;
  }

  /** Only one process at a time reads a document; the others find it in the cache. */
  async #readOnce(digest: Digest, size: number, read: () => Promise<Uint8Array>): Promise<Uint8Array> {
    let bytes: Uint8Array | undefined;
    await this.#keep(digest, size, async () => {
      bytes ??= await read();
      checkSize(bytes.length, size, `the document ${digest}`);
      return bytes;
    });
    return bytes ?? (await this.#find(digest)) ?? (await read());
  }

  /** Reads from the cache. A damaged blob is discarded. */
  async #find(digest: Digest): Promise<Uint8Array | undefined> {
    const blob = await this.#cache.open(digest);
    if (!blob) return undefined;
    try {
      const bytes = Buffer.alloc(Math.min(blob.region.length, MAX_DOCUMENT));
      await readRegion(blob.region)(bytes, 0);
      checkDigest(bytes, digest, quoted(digest));
      return bytes;
    } catch {
      await this.#cache.discard(digest);
      return undefined;
    } finally {
      await blob.close();
    }
  }

  /** Verifies any copy already in the cache, which may have been damaged. */
  async #keepWhole({ bytes, digest }: Document): Promise<void> {
    if (!(await this.#find(digest))) await this.#keep(digest, bytes.length, async () => bytes);
  }

  /** A full disk is not an error: the document is simply requested again next time. */
  async #keep(digest: Digest, size: number, read: () => Promise<Uint8Array>): Promise<void> {
    try {
      const blob = await this.#cache.fetch(digest, size, async ({ fd, start, from }) => {
        await writeAllAt(fd, (await read()).subarray(from), start + from);
      });
      await blob.close();
    } catch (failure) {
      if (!(failure instanceof DimgxError) || failure.code !== 'DIMGX_SOURCE_NO_SPACE') throw failure;
    }
  }
}
