import { pathData, quoted } from '../../base/text/printable.js';
import { readStart, type StoredRegion } from '../../compression/packed-region.js';
import { DimgxError, type ErrorDetails } from '../../errors.js';
import { checkDigest, checkSize } from '../../image/checks.js';
import { DocumentBudget } from '../../image/document-budget.js';
import type { Blobs, Descriptor, Document } from '../../image/manifest.js';
import { type Digest, parseDigest } from '../../reference/digest.js';
import { cleanName, digestOfName, type Files } from '../files/files.js';

/** Smallest size that a document counts for, in bytes: opening and reading one costs this much, however short it is. */
const LEAST_DOCUMENT = 4096;
/** The same for a document that an archive has to be decoded for. */
const LEAST_PACKED = 2 ** 20;

/** In bytes. */
const OPENING_LENGTH = 64;

/** Reads the manifests, indexes and configs among an image's files, within limits. */
export class Documents {
  readonly files: Files;
  readonly #budget = new DocumentBudget(LEAST_DOCUMENT);

  constructor(files: Files) {
    this.files = files;
  }

  /**
   * @returns `undefined` if there is no file of that name
   * @throws DIMGX_IMAGE_DOCUMENT_TOO_LARGE before anything is read; what `Files.open` throws
   */
  async find(name: string): Promise<Uint8Array | undefined> {
    const file = await this.files.open(name);
    if (!file) return undefined;
    try {
      const { length } = file.region;
      this.#budget.spend(quoted(name), length, leastOf(file.region));
      return await readStart(file.region, length);
    } finally {
      await file.close();
    }
  }

  /**
   * The beginning of a document without leading whitespace, to tell forms apart.
   *
   * @returns `undefined` if there is no file of that name
   */
  async opening(name: string): Promise<string | undefined> {
    const file = await this.files.open(name);
    if (!file) return undefined;
    try {
      if (file.region.archive) this.#budget.spend(quoted(name), 0, LEAST_PACKED);
      return (await readStart(file.region, OPENING_LENGTH)).toString().trimStart();
    } finally {
      await file.close();
    }
  }

  /** @throws DIMGX_SOURCE_MISSING_BLOB, and as `find` */
  async read(name: string): Promise<Uint8Array> {
    return (await this.find(name)) ?? missingBlob(this.files, name);
  }

  /**
   * The length of a file, in bytes. The file is not read.
   *
   * @returns `undefined` if there is not a regular file of that name
   */
  async lengthOf(name: string): Promise<number | undefined> {
    try {
      const file = await this.files.open(name);
      await file?.close();
      return file?.region.length;
    } catch (failure) {
      if (failure instanceof DimgxError) return undefined;
      throw failure;
    }
  }
}

function leastOf({ archive }: StoredRegion): number {
  return archive ? LEAST_PACKED : LEAST_DOCUMENT;
}

/** @throws DIMGX_SOURCE_MISSING_BLOB always */
export function missingBlob(files: Files, name: string): never {
  const isBlob = digestOfName(cleanName(name)) !== undefined;
  const message = `${quoted(name)} is not in ${files.location}: the image is incomplete, save or copy it again`;
  const details: ErrorDetails = isBlob ? { options: ['blobs'] } : {};
  throw new DimgxError('DIMGX_SOURCE_MISSING_BLOB', message, { ...pathData(name), ...details });
}

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
