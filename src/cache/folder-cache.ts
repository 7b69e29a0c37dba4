import { close, constants, fstat, futimes, open as openFile } from 'node:fs';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { makeFolder } from '../base/io/folders.js';
import { descriptorLimit } from '../base/io/open-file-limit.js';
import { openFiles } from '../base/io/open-file-table.js';
import { PathFile } from '../base/io/path-file.js';
import type { Region } from '../base/io/region.js';
import { printable } from '../base/text/printable.js';
import { isSystemError } from '../errors.js';
import { type Digest, isDigest, isMismatch } from '../reference/digest.js';
import type { BlobCache, CachedBlob, DownloadBlob } from './blob-cache.js';
import { CacheFiles, openRegular, readRegular, removeFile, writeWhole } from './cache-files.js';
import { claimOr } from './claim.js';
import { pruneFiles } from './prune-files.js';
import { type ExpectedBlob, otherSize, receiveBlob } from './receive-blob.js';
import { requireRoom, StorageFailure, storageFailure } from './storage-failure.js';
import { isIntact } from './verify-blobs.js';

export interface FolderCacheOptions {
  /** Prepared by `prepareCacheFolder`. */
  readonly folder: string;
  /** Maximum size of the cache, in bytes. */
  readonly limit: number;
  /** Used for blobs that cannot be cached. */
  readonly spools: BlobCache;
  /** Receives the reason when something cannot be cached. */
  readonly notUsed: (reason: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** How long another process's download may make no progress, in milliseconds. */
  readonly patience: number;
}

const { O_RDONLY, O_RDWR, O_CREAT, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;
const openDescriptor = promisify(openFile);
const closeDescriptor = promisify(close);
const statDescriptor = promisify(fstat);
const setTimes = promisify(futimes);

/** Each blob being published holds two descriptors until it is on the disk. */
const MOST_PUBLISHED_AT_ONCE = 16;

/** A blob stored in the folder. */
interface StoredBlob extends CachedBlob {
  readonly region: Region & { readonly file: PathFile };
}

/**
 * A cache in a folder laid out like an OCI layout: `blobs/ALGORITHM/HEX`. A blob being downloaded is in `partial/`, and
 * moves to its final name once its bytes are verified and on the disk. Reading takes no lock; a removed blob stays
 * readable for processes that have it open.
 */
export class FolderCache implements BlobCache {
  readonly #options: FolderCacheOptions;
  readonly #files: CacheFiles;
  /** Verified blobs that are being moved to their final names. */
  readonly #publishing = new Map<Digest, Promise<void>>();
  /** What `notUsed` threw during a publication, which no caller awaits. `close` rethrows it. */
  #failure: { readonly of: unknown } | undefined;
  #pruning: Promise<void> = Promise.resolve();
  /** Current size of the cache, in bytes, as far as this process knows. */
  #kept: number | undefined;

  constructor(options: FolderCacheOptions) {
    this.#options = options;
    this.#files = new CacheFiles(options.folder);
  }

  async open(digest: Digest): Promise<CachedBlob | undefined> {
    await this.#publishing.get(digest);
    try {
      const path = this.#files.blob(digest);
      const blob = await openStored(path);
      const fd = await blob.region.file.hold();
      try {
        const { mtime } = await statDescriptor(fd);
        // Record the last use, for pruning. Blob times are whole seconds, so setting one leaves the other unchanged.
        await setTimes(fd, wholeSeconds(), mtime).catch(() => undefined);
      } finally {
        blob.region.file.release();
      }
      return blob;
    } catch (failure) {
      if (isSystemError(failure, 'ENOENT')) return undefined;
      if (!isSystemError(failure) && !(failure instanceof StorageFailure)) throw failure;
      this.#options.notUsed(failure.message);
      return undefined;
    }
  }

  async fetch(digest: Digest, size: number, download: DownloadBlob): Promise<CachedBlob> {
    try {
      // A fetch that runs out of descriptors resumes where it stopped.
      return await openFiles.makeRoomFor(
        async () => (await this.#openWhole({ digest, size })) ?? (await this.#fetchInto({ digest, size }, download)),
      );
    } catch (failure) {
      const reason = storageFailure(failure);
      if (!reason) throw failure;
      this.#options.notUsed(reason.message);
      return this.#options.spools.fetch(digest, size, download);
    }
  }

  async discard(digest: Digest): Promise<void> {
    await this.#publishing.get(digest);
    await this.#files.remove(digest).catch((failure: Error) => this.#options.notUsed(failure.message));
  }

  async loadDerived(digest: Digest): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return readRegular(this.#files.derived(digest)).catch(() => undefined);
  }

  async saveDerived(digest: Digest, parts: readonly Uint8Array[]): Promise<void> {
    // It can be derived again.
    await writeWhole(this.#files.derived(digest), parts, this.#files.partials).catch(() => undefined);
  }

  async recall(name: string): Promise<Digest | undefined> {
    const text = await readRegular(this.#files.name(name)).catch(() => '');
    const [digest = '', stored] = text.toString().split('\n');
    return stored === name && isDigest(digest) ? digest : undefined;
  }

  async remember(name: string, digest: Digest): Promise<void> {
    const text = Buffer.from(`${digest}\n${name}\n`);
    await writeWhole(this.#files.name(name), [text], this.#files.partials).catch((failure: Error) =>
      this.#options.notUsed(failure.message),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#publishing.values());
    await this.#pruning;
    if (this.#failure) throw this.#failure.of;
  }

  /**
   * A blob of another length means that it is damaged, or that the expected length is wrong. @throws
   * DIMGX_IMAGE_SIZE_MISMATCH
   */
  async #openWhole({ digest, size }: ExpectedBlob): Promise<CachedBlob | undefined> {
    const found = await this.open(digest);
    if (found === undefined || found.region.length === size) return found;
    await found.close();
    if (await isIntact(this.#files.blob(digest), digest)) throw otherSize(digest, found.region.length, size);
    await this.discard(digest);
    return undefined;
  }

  /** Polled while another process downloads the blob. That process may be suspended. */
  #finder(wanted: ExpectedBlob): () => Promise<CachedBlob | undefined> {
    let progress = { length: -1, since: Date.now() };
    return async () => {
      const found = await this.#openWhole(wanted);
      if (found) return found;
      const length = (await stat(this.#files.partial(wanted.digest)).catch(() => undefined))?.size ?? 0;
      if (length !== progress.length) progress = { length, since: Date.now() };
      if (Date.now() - progress.since <= this.#options.patience) return undefined;
      throw new StorageFailure(`another process is downloading ${wanted.digest} and makes no progress`);
    };
  }

  async #fetchInto(wanted: ExpectedBlob, download: DownloadBlob): Promise<CachedBlob> {
    const { digest } = wanted;
    const { claims, partials } = this.#files;
    while (this.#publishing.size >= MOST_PUBLISHED_AT_ONCE) await Promise.race(this.#publishing.values());
    await this.#makeFolders(partials);
    const outcome = await claimOr(claims, this.#files.key(digest), this.#finder(wanted), this.#options.signal);
    if ('found' in outcome) return outcome.found;
    const { claim } = outcome;
    try {
      const found = await this.#openWhole(wanted);
      if (found) {
        await claim.release();
        return found;
      }
      const path = this.#files.partial(digest);
      // An earlier holder that seemed to be gone may still write to it.
      if (!claim.isClean) await removeFile(path);
      const written = await this.#receive(path, wanted, download);
      const blob = await openStored(path);
      blob.region.file.keep();
      const publishing = this.#publish(written, path, wanted)
        .then((name) => {
          if (name !== undefined) blob.region.file.moveTo(name);
        })
        .finally(async () => {
          await written.close().catch(() => undefined);
          await claim.release();
          this.#publishing.delete(digest);
        })
        .catch((failure: unknown) => {
          this.#failure ??= { of: failure };
        });
      this.#publishing.set(digest, publishing);
      return blob;
    } catch (failure) {
      await claim.release();
      throw failure;
    }
  }

  /** @returns the complete, verified file, open */
  async #receive(path: string, wanted: ExpectedBlob, download: DownloadBlob): Promise<FileHandle> {
    const file = await openRegular(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
    try {
      const { size: from } = await file.stat();
      await requireRoom(path, wanted.size - from);
      const isResumed = from > 0 && from <= wanted.size;
      if (!isResumed) await file.truncate();
      await receiveBlob(file, wanted, isResumed ? from : 0, download).catch(async (failure: unknown) => {
        if (!isResumed || !isMismatch(failure)) throw failure;
        await file.truncate();
        await receiveBlob(file, wanted, 0, download);
      });
      return file;
    } catch (failure) {
      const isUseless = isMismatch(failure) || storageFailure(failure) || (await file.stat()).size === 0;
      if (isUseless) await removeFile(path).catch(() => undefined);
      await file.close();
      throw failure;
    }
  }

  /**
   * Moves the blob to its final name. It is verified and readable already, so a failure only means another download
   * some day.
   *
   * @returns the blob's path from now on; `undefined` if it was not kept
   */
  async #publish(file: FileHandle, path: string, { digest, size }: ExpectedBlob): Promise<string | undefined> {
    const name = this.#files.blob(digest);
    try {
      await this.#makeFolders(dirname(name));
      await file.utimes(wholeSeconds(), wholeSeconds());
      await file.sync();
      await rename(path, name);
      await syncFolder(dirname(name));
      this.#pruning = this.#pruning.then(() => this.#prune(size));
      return name;
    } catch (failure) {
      this.#options.notUsed((failure as Error).message);
      await removeFile(path).catch(() => undefined);
      return undefined;
    }
  }

  async #prune(added: number): Promise<void> {
    if (this.#kept !== undefined && this.#kept + added <= this.#options.limit) this.#kept += added;
    else this.#kept = (await pruneFiles(this.#files, this.#options.limit).catch(() => undefined))?.kept;
  }

  async #makeFolders(...folders: readonly string[]): Promise<void> {
    for (const folder of folders) await makeFolder(folder, 0o700);
  }
}

/** @throws StorageFailure if it is not a regular file; the operating system's error */
async function openStored(path: string): Promise<StoredBlob> {
  const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
  const fd = await openFiles.makeRoomFor(() => openDescriptor(path, flags));
  try {
    const { dev, ino, size, isFile } = await statStored(fd);
    if (!isFile) throw new StorageFailure(`${printable(path, 300)} is not a regular file`);
    // another process may prune the file, and then it could not be reopened
    const isPrecious = fd < (descriptorLimit() ?? 0) / 2;
    const file = new PathFile({ path, identity: { dev, ino, size }, isPrecious }, fd);
    return { region: { file, offset: 0, length: Number(size) }, close: () => file.close() };
  } catch (failure) {
    await closeDescriptor(fd);
    throw failure;
  }
}

async function statStored(fd: number) {
  const stats = await statDescriptor(fd, { bigint: true });
  return { dev: stats.dev, ino: stats.ino, size: stats.size, isFile: stats.isFile() };
}

function wholeSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
