import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { DescriptorFile } from '../base/io/held-file.js';
import { openSpool, requireSpoolSpace, spoolFile, tellNeed } from '../base/io/spool.js';
import { printable } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import type { Digest } from '../reference/digest.js';
import type { BlobCache, CachedBlob, DownloadBlob } from './blob-cache.js';
import { type ExpectedBlob, receiveBlob } from './receive-blob.js';
import { StorageFailure } from './storage-failure.js';

/** A temporary file, and how much of it is in use. */
interface Spool {
  readonly handle: FileHandle;
  readonly file: DescriptorFile;
  /** Offset at which the next blob begins. */
  end: number;
  /** Number of its blobs that are open or being fetched. */
  users: number;
}

/**
 * Caches nothing. Fetched blobs are stored in temporary files until they are closed. Blobs are appended to shared
 * files, so there are never more files than blobs fetched at the same time.
 */
export class SpoolCache implements BlobCache {
  readonly #tmpDir: string | undefined;
  readonly #free: Spool[] = [];
  #isClosed = false;

  constructor(tmpDir: string | undefined) {
    this.#tmpDir = tmpDir;
  }

  async open(): Promise<undefined> {}

  async fetch(digest: Digest, size: number, download: DownloadBlob): Promise<CachedBlob> {
    const what = `the blob ${digest} takes ${size} bytes`;
    const spool = await this.#take(size).catch((failure: unknown) => {
      throw tellNeed(failure, what);
    });
    const { file, end: offset } = spool;
    try {
      await spool.file.hold();
      try {
        await receiveInto(spool, { digest, size }, download);
      } finally {
        file.release();
      }
    } catch (failure) {
      await this.#giveUp(spool);
      throw failure instanceof StorageFailure ? tellNeed(noSpace(failure), what) : failure;
    }
    spool.end = offset + size;
    this.#free.push(spool);
    let isOpen = true;
    const close = async () => {
      if (isOpen) await this.#leave(spool);
      isOpen = false;
    };
    return { region: { file, offset, length: size }, close };
  }

  /** Blobs that are open stay open; their files are closed with them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const spool of this.#free.splice(0)) if (spool.users === 0) await spool.file.close();
  }

  async #take(size: number): Promise<Spool> {
    const free = this.#free.pop();
    if (free) {
      free.users++;
      await requireSpoolSpace(this.#tmpDir, size).catch(async (failure: unknown) => {
        await this.#leave(free);
        throw failure;
      });
      return free;
    }
    const handle = await openSpool(this.#tmpDir, size);
    return { handle, file: spoolFile(handle), end: 0, users: 1 };
  }

  /** Discards a failed blob. The next blob begins at the same offset. */
  async #giveUp(spool: Spool): Promise<void> {
    const isClean = await spool.handle.truncate(spool.end).then(
      () => true,
      () => false,
    );
    if (isClean) this.#free.push(spool);
    await this.#leave(spool);
  }

  async #leave(spool: Spool): Promise<void> {
    spool.users--;
    if (spool.users > 0) return;
    const isKept = !this.#isClosed && this.#free.includes(spool);
    if (isKept && spool.end === 0) return;
    const place = this.#free.indexOf(spool);
    if (place >= 0) this.#free.splice(place, 1);
    await spool.file.close();
  }

  async discard(): Promise<void> {}

  async loadDerived(): Promise<undefined> {}

  async saveDerived(): Promise<void> {}

  async recall(): Promise<undefined> {}

  async remember(): Promise<void> {}
}

function noSpace(cause: Error): DimgxError {
  const message = `temporary data cannot be written (${printable(cause.message)})`;
  return new DimgxError('DIMGX_SOURCE_NO_SPACE', message, { cause });
}

/** Appends a blob to a spool. */
async function receiveInto({ handle, end }: Spool, wanted: ExpectedBlob, download: DownloadBlob): Promise<void> {
  const appending = await reopen(handle);
  try {
    await receiveBlob(appending ?? handle, wanted, 0, download, end);
  } finally {
    await appending?.close();
  }
}

/** Opens the same file again, for appending. It has no other name, and not every system provides this one. */
async function reopen(spool: FileHandle): Promise<FileHandle | undefined> {
  if (process.platform !== 'linux') return undefined;
  return open(`/proc/self/fd/${spool.fd}`, constants.O_RDWR | constants.O_APPEND).catch(() => undefined);
}
