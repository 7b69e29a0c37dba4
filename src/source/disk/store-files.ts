import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { Appender } from '../../base/io/appender.js';
import { deniedAdvice } from '../../base/io/denied-advice.js';
import { FolderTree } from '../../base/io/folder-tree.js';
import { HeldFile } from '../../base/io/held-file.js';
import { openFiles } from '../../base/io/open-file-table.js';
import { OpenFolder } from '../../base/io/open-folder.js';
import { PathFile } from '../../base/io/path-file.js';
import { openSpool, writeAt } from '../../base/io/spool.js';
import { formatSize, MAX_DOCUMENT } from '../../base/limits.js';
import { pathData, printable, quoted, reasonOf, withoutCall } from '../../base/text/printable.js';
import { DimgxError, isSystemError } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';
import type { OpenFile } from '../files/files.js';

/** A file of which parts are read, one after another. */
export interface PartReader {
  /** Its path below the folder. */
  readonly name: string;
  /** In bytes, when it was opened. */
  readonly size: number;
  /** @returns the bytes that are there: fewer than `length` where the file ends */
  read(position: number, length: number): Buffer;
}

/**
 * The folder of an engine's storage, and a spool for what is rebuilt from it. As a `RegionFile`, it is the spool. Both
 * stay open until nothing is read from either of them any more.
 */
export class StoreFiles extends HeldFile {
  /** As given by the user. */
  readonly path: string;
  /** The same, printable. */
  readonly location: string;
  /** Descriptor of the folder. */
  readonly root: number;
  readonly #tree: FolderTree;
  /** Goes to the folders of layers, while the other one stays where their documents are. */
  readonly #folders: FolderTree;
  /** Absolute. */
  readonly #path: string;
  #spool: Promise<FileHandle> | undefined;
  #spoolDescriptor = -1;
  #appender: Appender | undefined;
  #lastAppended: Promise<unknown> = Promise.resolve();

  /**
   * Opens a folder, and closes it with the image.
   *
   * @throws DIMGX_SOURCE_UNSUPPORTED on other systems than Linux; the operating system's errors
   */
  static async open(path: string, context: OpenContext): Promise<StoreFiles> {
    if (process.platform !== 'linux') {
      const message = "an engine's storage can only be read on Linux: save the image with the engine";
      throw new DimgxError('DIMGX_SOURCE_UNSUPPORTED', message);
    }
    const flags = constants.O_RDONLY | constants.O_DIRECTORY;
    const denied = (failure: unknown) => {
      throw isSystemError(failure, 'EACCES', 'EPERM') ? needsRoot(printable(path, 300), failure) : failure;
    };
    const root = await openFiles.makeRoomFor(async () => openSync(path, flags)).catch(denied);
    return StoreFiles.at(root, path, context);
  }

  /** @param root descriptor of the folder, which is closed with the image @param path of it, for messages */
  static at(root: number, path: string, { resources }: OpenContext): StoreFiles {
    const files = new StoreFiles(root, path);
    resources.adoptFile(files);
    return files;
  }

  private constructor(root: number, path: string) {
    super();
    this.root = root;
    this.path = path;
    this.location = printable(path, 300);
    this.#tree = new FolderTree(root, 'none');
    this.#folders = new FolderTree(root, 'none');
    this.#path = readlinkSync(`/proc/self/fd/${root}`);
  }

  /**
   * Reads a document.
   *
   * @param path below the folder; its parts are names that have been checked
   * @param limit of its size, in bytes
   * @returns `undefined` if there is none
   * @throws DIMGX_IMAGE_DOCUMENT_TOO_LARGE, DIMGX_SOURCE_BAD_MEMBER, DIMGX_SOURCE_UNREADABLE
   */
  read(path: string, limit = MAX_DOCUMENT): Buffer | undefined {
    return this.#look(path, () => {
      const { fd, stats } = this.#tree.openFile(path);
      try {
        if (stats.size > limit) throw tooLarge(path, limit);
        return readPart(fd, 0, stats.size);
      } finally {
        closeSync(fd);
      }
    });
  }

  /**
   * Reads parts of a file.
   *
   * @param use receives the file, which is closed once it returns
   * @returns what `use` returns; `undefined` if there is no such file
   * @throws as `read`; what `use` throws
   */
  readParts<T>(path: string, use: (file: PartReader) => T): T | undefined {
    return this.#look(path, () => {
      const { fd, stats } = this.#tree.openFile(path);
      try {
        return use({ name: path, size: stats.size, read: (position, length) => readPart(fd, position, length) });
      } finally {
        closeSync(fd);
      }
    });
  }

  /**
   * Opens a file, to be read by position. It is closed and opened again as needed, and then has to be the same file.
   *
   * @returns `undefined` if there is none
   * @throws as `read`
   */
  async open(path: string): Promise<OpenFile | undefined> {
    const descriptor = async () => this.#look(path, () => this.#tree.openFile(path).fd);
    const fd = await openFiles.makeRoomFor(descriptor);
    if (fd === undefined) return undefined;
    const identity = fstatSync(fd, { bigint: true });
    const file = new PathFile({ path: `${this.#path}/${path}`, identity }, fd);
    return { region: { file, offset: 0, length: Number(identity.size) }, close: () => file.close() };
  }

  /**
   * The bytes of a file, in pieces. A piece is overwritten once the next but one is requested. The file is open until
   * the pieces end, or are left.
   *
   * @returns `undefined` if there is none
   * @throws as `read`
   */
  pieces(path: string): AsyncGenerator<Buffer, void, void> | undefined {
    const file = this.#look(path, () => this.#tree.openFile(path));
    return file && piecesOf(file.fd);
  }

  /** Names of what is in a folder; none if there is no such folder. @throws DIMGX_SOURCE_UNREADABLE */
  names(path: string): readonly string[] {
    return this.#look(path, () => this.#tree.namesIn(path)) ?? [];
  }

  /** User ID of the owner of what has that path. @returns `undefined` if nothing has @throws DIMGX_SOURCE_UNREADABLE */
  uidOf(path: string): number | undefined {
    return this.#inParent(path, (folder, name) => Number(folder.stats(name).uid));
  }

  /** When what has that path was last changed. @returns `undefined` if nothing has @throws DIMGX_SOURCE_UNREADABLE */
  modified(path: string): Date | undefined {
    return this.#inParent(path, (folder, name) => new Date(Number(folder.stats(name).mtimeMs)));
  }

  /** The target of a symlink, as text. @returns `undefined` if there is no symlink @throws DIMGX_SOURCE_UNREADABLE */
  target(path: string): string | undefined {
    return this.#inParent(path, (folder, name) => {
      const isLink = folder.stats(name).isSymbolicLink();
      return isLink ? folder.target(name) : undefined;
    });
  }

  /** Whether there is a folder of that path, which is not a link. @throws DIMGX_SOURCE_UNREADABLE */
  hasFolder(path: string): boolean {
    const found = this.#look(path, () => {
      const fd = this.#folders.openFolder(path);
      try {
        return fstatSync(fd).isDirectory();
      } finally {
        closeSync(fd);
      }
    });
    return found ?? false;
  }

  /**
   * Appends layers to the spool. Nobody else appends until the promise of `write` has resolved.
   *
   * @throws DIMGX_SOURCE_NO_SPACE, DIMGX_TOO_MANY_FILES; what `write` throws
   */
  append<T>(tmpDir: string | undefined, write: (spool: Appender) => Promise<T>): Promise<T> {
    const written = this.#lastAppended.then(async () => write(await this.#openSpool(tmpDir)));
    this.#lastAppended = written.catch(() => undefined);
    return written;
  }

  async #openSpool(tmpDir: string | undefined): Promise<Appender> {
    this.#spool ??= openSpool(tmpDir);
    const { fd } = await this.#spool;
    this.#spoolDescriptor = fd;
    this.#appender ??= new Appender({ write: async (bytes, position) => writeAt(fd, bytes, position) });
    return this.#appender;
  }

  /** Nothing else writes the spool, and each file of the folder is compared whenever it is read. */
  override async requireUnchanged(): Promise<void> {}

  protected override descriptor(): number {
    return this.#spoolDescriptor;
  }

  protected override rest(): void {}

  protected override async shutForGood(): Promise<void> {
    this.#tree.close();
    this.#folders.close();
    closeSync(this.root);
    await (await this.#spool?.catch(() => undefined))?.close();
    openFiles.notice();
  }

  #inParent<T>(path: string, look: (parent: OpenFolder, name: string) => T): T | undefined {
    const slash = path.lastIndexOf('/');
    return this.#look(path, () => {
      const folder = new OpenFolder(this.#tree.openFolder(path.slice(0, Math.max(0, slash))));
      try {
        return look(folder, path.slice(slash + 1));
      } finally {
        folder.close();
      }
    });
  }

  #look<T>(path: string, look: () => T): T | undefined {
    try {
      return look();
    } catch (failure) {
      if (isSystemError(failure, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
      const what = `${quoted(path)} in ${this.location}`;
      if (isSystemError(failure, 'EACCES', 'EPERM')) throw needsRoot(what, failure, this.root);
      if (!isSystemError(failure)) throw failure;
      const reason = `${what} cannot be read: ${withoutCall(reasonOf(failure))}`;
      throw new DimgxError('DIMGX_SOURCE_UNREADABLE', reason, { cause: failure });
    }
  }
}

function readPart(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  let done = 0;
  for (let read = -1; read !== 0 && done < length; done += read) {
    read = readSync(fd, bytes, done, length - done, position + done);
  }
  return bytes.subarray(0, done);
}

/** In bytes. */
const PIECE = 64 * 1024;

async function* piecesOf(fd: number): AsyncGenerator<Buffer, void, void> {
  const buffers: Buffer[] = [Buffer.allocUnsafeSlow(PIECE), Buffer.allocUnsafeSlow(PIECE)];
  try {
    for (let at = 0; ; ) {
      const buffer = buffers.shift() as Buffer;
      buffers.push(buffer);
      const length = readSync(fd, buffer, 0, PIECE, at);
      if (length === 0) return;
      at += length;
      yield buffer.subarray(0, length);
    }
  } finally {
    closeSync(fd);
  }
}

function tooLarge(path: string, limit: number): DimgxError {
  const message = `${quoted(path)} is larger than ${formatSize(limit)}, and is not read`;
  return new DimgxError('DIMGX_IMAGE_DOCUMENT_TOO_LARGE', message, pathData(path));
}

/** The error for what only others may read. @param what printable @param root as for `deniedAdvice` */
export function needsRoot(what: string, cause: unknown, root?: number): DimgxError {
  const message = `${what} may not be read by this user: ${deniedAdvice(root)}`;
  return new DimgxError('DIMGX_SOURCE_UNREADABLE', message, { cause });
}
