import { createHash } from 'node:crypto';
import { close, constants, fstat, open } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { openFiles } from '../../base/io/open-file-table.js';
import { PathFile } from '../../base/io/path-file.js';
import { hashRegion, type Region, readRegion } from '../../base/io/region.js';
import { MAX_DOCUMENT } from '../../base/limits.js';
import { pathData, quoted, reasonOf } from '../../base/text/printable.js';
import { DimgxError, isSystemError, throwIfAborted } from '../../errors.js';
import { algorithmOf, type Digest, hexOf, requireDigest } from '../../reference/digest.js';
import { cleanName, digestOfName, type Files, type OpenFile } from './files.js';

interface BlobsElsewhere {
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
    throw own.retold(own.message, { options: ['blobs'] });
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
    const message = `${quoted(path)} does not have the digest ${digest} that names it: it is damaged or was altered`;
    requireDigest(digest, hash.digest('hex'), () => message);
  }
}

const openDescriptor = promisify(open);
const closeDescriptor = promisify(close);
const statDescriptor = promisify(fstat);

/** A blob in one of the user's folders. It has not been compared with its digest yet. */
interface FoundBlob extends OpenFile {
  readonly region: Region;
  readonly path: string;
  /** Changes when the file is replaced or written to. */
  readonly version: string;
}

/**
 * Looks for a blob in the folders that the user names: as `DIR/ALGORITHM/HEX`, `DIR/HEX` or `DIR/blobs/ALGORITHM/HEX`.
 * Symlinks may lead anywhere. Anything but a regular file is passed over.
 *
 * @returns `undefined` if no folder has it
 * @throws system errors, DIMGX_TOO_MANY_FILES
 */
async function findInFolders(folders: readonly string[], digest: Digest): Promise<FoundBlob | undefined> {
  const [algorithm, hex] = [algorithmOf(digest), hexOf(digest)];
  for (const folder of folders) {
    for (const place of [[algorithm, hex], [hex], ['blobs', algorithm, hex]]) {
      const found = await openBlob(resolve(join(folder, ...place)));
      if (found) return found;
    }
  }
  return undefined;
}

/**
 * Checks the folders before they are searched.
 *
 * @throws DIMGX_SOURCE_NOT_FOUND, DIMGX_SOURCE_UNREADABLE
 */
export async function checkBlobFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    const what = `the folder of blobs ${quoted(folder)}`;
    const isDirectory = await isUsableDirectory(folder).catch((cause: unknown) => {
      if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) {
        throw new DimgxError('DIMGX_SOURCE_NOT_FOUND', `${what} does not exist`, { ...pathData(folder), cause });
      }
      const message = `${what} cannot be used: ${reasonOf(cause)}`;
      throw new DimgxError('DIMGX_SOURCE_UNREADABLE', message, { ...pathData(folder), cause });
    });
    if (!isDirectory) throw new DimgxError('DIMGX_SOURCE_NOT_FOUND', `${what} is not a directory`, pathData(folder));
  }
}

async function isUsableDirectory(folder: string): Promise<boolean> {
  if (!(await stat(folder)).isDirectory()) return false;
  await access(folder, constants.X_OK);
  return true;
}

async function openBlob(path: string): Promise<FoundBlob | undefined> {
  try {
    if (!(await stat(path)).isFile()) return undefined;
  } catch (failure) {
    if (isSystemError(failure, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) return undefined;
    throw failure;
  }
  // Does not block if a FIFO has replaced the file.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  const fd = await openFiles.makeRoomFor(() => openDescriptor(path, flags));
  try {
    const stats = await statDescriptor(fd, { bigint: true });
    if (stats.isFile()) {
      const file = new PathFile({ path, identity: stats, isLink: true }, fd);
      const version = [stats.dev, stats.ino, stats.size, stats.mtimeNs].join(' ');
      return { path, version, region: { file, offset: 0, length: Number(stats.size) }, close: () => file.close() };
    }
  } catch (failure) {
    await closeDescriptor(fd);
    throw failure;
  }
  await closeDescriptor(fd);
  return undefined;
}
