import { createHash } from 'node:crypto';
import { hashRegion, readRegion } from '../../base/io/region.js';
import { MAX_DOCUMENT } from '../../base/limits.js';
import { quoted } from '../../base/text/printable.js';
import { DimgxError, throwIfAborted } from '../../errors.js';
import { algorithmOf, type Digest, hexOf } from '../../reference/digest.js';
import { type FoundBlob, findInFolders } from './blob-folders.js';
import { digestOfName } from './blob-name.js';
import { cleanName, type Files, type OpenFile } from './files.js';

export interface BlobsElsewhere {
  /** Folders that are searched, in this order, for blobs that are not among the image's own files. */
  readonly folders: readonly string[];
  /** Whether everything that is read is compared with its digest anyway. */
  readonly verify: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Why one of the image's own blobs may fail to open: it is a link that leads outside, or to nothing. */
const NOT_OPENED: readonly string[] = ['DIMGX_SOURCE_UNSAFE_PATH', 'DIMGX_SOURCE_BAD_MEMBER'];

/**
 * The files of an image, and the blobs in folders that the user names. The image's own files take precedence.
 *
 * Only its digest shows that a blob found elsewhere belongs to the image. Such a blob is therefore compared with its
 * digest even without verification. With verification, a blob larger than a document is compared when it is read as a
 * layer.
 */
export class FilesWithBlobs implements Files {
  readonly isArchive: boolean;
  readonly location: string;
  readonly #own: Files;
  readonly #elsewhere: BlobsElsewhere;
  /** Versions of the blobs that have been compared, by digest. */
  readonly #compared = new Map<Digest, string>();

  constructor(own: Files, elsewhere: BlobsElsewhere) {
    this.#own = own;
    this.#elsewhere = elsewhere;
    this.isArchive = own.isArchive;
    this.location = own.location;
  }

  topNames(): Promise<readonly string[]> {
    return this.#own.topNames();
  }

  async foldersIn(folder: string): Promise<readonly string[]> {
    return (await this.#own.foldersIn?.(folder)) ?? [];
  }

  /** @throws DIMGX_IMAGE_DIGEST_MISMATCH, DIMGX_ABORTED, and as `Files.open` */
  async open(name: string): Promise<OpenFile | undefined> {
    const digest = digestOfName(cleanName(name));
    if (digest === undefined) return this.#own.open(name);
    const own = await this.#own.open(name).catch((failure: unknown) => {
      if (failure instanceof DimgxError && NOT_OPENED.includes(failure.code)) return failure;
      throw failure;
    });
    if (own !== undefined && !(own instanceof DimgxError)) return own;
    const found = await this.#find(digest);
    if (found || own === undefined) return found;
    throw own.retold(`${own.message}; if the blob is in a folder that you trust, name that: --blobs DIR`);
  }

  async #find(digest: Digest): Promise<OpenFile | undefined> {
    const { folders, verify } = this.#elsewhere;
    const found = await findInFolders(folders, digest);
    if (!found) return undefined;
    const isComparedLater = verify && found.region.length > MAX_DOCUMENT;
    if (isComparedLater || this.#compared.get(digest) === found.version) return found;
    try {
      await this.#compare(found, digest);
    } catch (failure) {
      await found.close();
      throw failure;
    }
    this.#compared.set(digest, found.version);
    return found;
  }

  async #compare({ region, path }: FoundBlob, digest: Digest): Promise<void> {
    const hash = createHash(algorithmOf(digest));
    const { signal } = this.#elsewhere;
    await hashRegion(readRegion(region), region.length, [hash], () => throwIfAborted(signal));
    if (hash.digest('hex') === hexOf(digest)) return;
    const message = `${quoted(path)} does not have the digest ${digest} that names it: it is damaged or was altered`;
    throw new DimgxError('DIMGX_IMAGE_DIGEST_MISMATCH', message);
  }
}
