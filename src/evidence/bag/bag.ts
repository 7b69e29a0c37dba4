import { closeSync, constants } from 'node:fs';
import { type FileBelow, FolderTree, openNow } from '../../base/io/folder-tree.js';
import { orTooManyFiles } from '../../base/io/open-file-limit.js';
import { type ByteName, OpenFolder } from '../../base/io/open-folder.js';
import { readBuffer, readRegionSync } from '../../base/io/region.js';
import { formatSize, MAX_DOCUMENT } from '../../base/limits.js';
import { pathData, printable, quoted, reasonOf, withoutCall } from '../../base/text/printable.js';
import { DimgxError, isSystemError } from '../../errors.js';
import { invalidBag } from './bag-error.js';
import { BAG_INFO } from './bag-info.js';
import { type BagVersion, DECLARATION, readDeclaration } from './declaration.js';
import { type ManifestKind, manifestKind } from './manifest.js';
import { PAYLOAD } from './manifest-path.js';

/** Name of the file that lists what is still to be fetched. */
const FETCH = 'fetch.txt';

/** Codes of errors about a single file. */
const OF_ONE_FILE: readonly string[] = ['DIMGX_BAG_INVALID', 'DIMGX_SOURCE_UNREADABLE'];

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY;

/**
 * An open BagIt bag, of version 1.0 or 0.97. Nothing in it is trusted: no symlink is followed, nothing but regular files
 * is opened, and nothing outside of it. Source: RFC 8493.
 */
export class Bag {
  /** As the caller named it. */
  readonly path: string;
  readonly version: BagVersion;
  readonly manifests: readonly ManifestKind[];
  readonly tree: FolderTree;
  readonly #names: readonly ByteName[];

  /**
   * Opens a bag and looks at what lies at its top. The caller closes it.
   *
   * @throws DIMGX_BAG_INVALID, DIMGX_SOURCE_NOT_FOUND, DIMGX_SOURCE_UNREADABLE, DIMGX_TOO_MANY_FILES;
   *   DIMGX_SOURCE_UNSUPPORTED on other systems than Linux
   */
  static open(path: string): Bag {
    if (process.platform !== 'linux') {
      throw new DimgxError('DIMGX_SOURCE_UNSUPPORTED', 'a bag can only be verified on Linux');
    }
    const root = openRoot(path);
    const tree = new FolderTree(root, 'none');
    try {
      return new Bag(path, tree);
    } catch (failure) {
      tree.close();
      closeSync(root);
      throw failure;
    }
  }

  private constructor(path: string, tree: FolderTree) {
    this.path = path;
    this.tree = tree;
    const names = this.#namesAtTop();
    this.#names = names;
    if (!names.includes(DECLARATION)) throw this.#flaw(`has no ${DECLARATION}: it is not a bag`);
    for (const name of names) this.#requireOrdinaryName(name);
    this.version = readDeclaration(this.readSmall(DECLARATION));
    if (names.includes(FETCH)) throw this.#flaw(`has a ${FETCH}: fetch its files with another tool`);
    this.manifests = names.flatMap((name) => manifestKind(name) ?? []);
    if (!this.manifests.some(({ isPayload }) => isPayload)) throw this.#flaw('has no manifest of its payload');
  }

  /** Whether there is something of this name at the top of the bag. */
  has(name: ByteName): boolean {
    return this.#names.includes(name);
  }

  /**
   * Opens a regular file of the bag. The caller closes it.
   *
   * @throws DIMGX_BAG_INVALID, DIMGX_SOURCE_UNREADABLE, DIMGX_TOO_MANY_FILES
   */
  openFile(path: string): FileBelow {
    try {
      return this.tree.openFile(path);
    } catch (failure) {
      if (isSystemError(failure, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw this.#flaw(`has no file ${quoted(path)}`);
      if (isSystemError(failure)) throw unreadable(path, failure);
      const isIrregular = failure instanceof DimgxError && failure.code === 'DIMGX_SOURCE_BAD_MEMBER';
      throw isIrregular ? this.#flaw(`has a ${quoted(path)} that is not a regular file`) : failure;
    }
  }

  /** The same. @returns `undefined` if the file is not sound, which a check of the bag tells @throws DIMGX_TOO_MANY_FILES */
  openIfSound(path: string): FileBelow | undefined {
    try {
      return this.openFile(path);
    } catch (failure) {
      const isTold = failure instanceof DimgxError && OF_ONE_FILE.includes(failure.code);
      if (isTold) return undefined;
      throw failure;
    }
  }

  /** Reads a file whole. @throws as `openFile`; DIMGX_BAG_INVALID if it is larger than 4 MiB; DIMGX_SOURCE_CHANGED */
  readSmall(path: string): Buffer {
    return this.#readWhole(path, this.openFile(path));
  }

  /** The same. @returns `undefined` if the file is not sound, which a check of the bag tells */
  readSmallIfSound(path: string): Buffer | undefined {
    const file = this.openIfSound(path);
    return file && this.#readWhole(path, file);
  }

  #readWhole(path: string, { fd, stats }: FileBelow): Buffer {
    try {
      if (stats.size > MAX_DOCUMENT) throw this.#flaw(`has a ${path} of more than ${formatSize(MAX_DOCUMENT)}`);
      const bytes = readBuffer(stats.size);
      readRegionSync({ file: fd, offset: 0, length: stats.size })(bytes, 0);
      return bytes;
    } finally {
      closeSync(fd);
    }
  }

  close(): void {
    this.tree.close();
    closeSync(this.tree.root);
  }

  /** @throws DIMGX_BAG_INVALID if there is no folder for the payload; DIMGX_SOURCE_UNREADABLE */
  #namesAtTop(): readonly ByteName[] {
    const top = new OpenFolder(this.tree.openFolder(''));
    try {
      const names = top.names();
      const hasPayload = names.includes(PAYLOAD) && top.stats(PAYLOAD).isDirectory();
      if (names.includes(DECLARATION) && !hasPayload) throw this.#flaw(`has no folder ${PAYLOAD}`);
      return names;
    } catch (failure) {
      throw isSystemError(failure) ? unreadable(this.path, failure) : failure;
    } finally {
      top.close();
    }
  }

  /** Refuses what would be another file where names have no case. */
  #requireOrdinaryName(name: ByteName): void {
    const lower = name.toLowerCase();
    const isReserved =
      [DECLARATION, BAG_INFO, FETCH, PAYLOAD].includes(lower) || /^(tag)?manifest-.*\.txt$/s.test(lower);
    if (name === lower || !isReserved) return;
    throw this.#flaw(`has a ${quoted(Buffer.from(name, 'latin1'))}, which stands for ${quoted(lower)} elsewhere`);
  }

  /** @param what is wrong, worded to follow the path */
  #flaw(what: string): DimgxError {
    return invalidBag(`${quoted(this.path)} ${what}`, Buffer.from(this.path).toString('latin1'));
  }
}

/** @throws DIMGX_BAG_INVALID, DIMGX_SOURCE_NOT_FOUND, DIMGX_SOURCE_UNREADABLE, DIMGX_TOO_MANY_FILES */
function openRoot(path: string): number {
  try {
    return openNow(Buffer.from(path).toString('latin1'), OPEN_FOLDER);
  } catch (failure) {
    if (!isSystemError(failure)) throw failure;
    if (failure.code === 'ENOTDIR') throw invalidBag(`${quoted(path)} is not a directory: it is not a bag`);
    if (failure.code !== 'ENOENT') throw unreadable(path, failure);
    throw new DimgxError('DIMGX_SOURCE_NOT_FOUND', `${quoted(path)} does not exist`, pathData(path));
  }
}

function unreadable(path: string, cause: NodeJS.ErrnoException): DimgxError {
  const message = `${printable(path, 300)} cannot be read: ${withoutCall(reasonOf(cause))}`;
  return orTooManyFiles(cause, new DimgxError('DIMGX_SOURCE_UNREADABLE', message, { ...pathData(path), cause }));
}
