import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { DimgxError } from '../errors.js';
import { openSpool, spoolFile } from '../file/spool.js';
import type { Digest } from '../image/digest.js';
import { printable } from '../image/printable.js';
import type { BlobCache, CachedBlob, DownloadBlob } from './blob-cache.js';
import { receiveBlob } from './receive-blob.js';
import { StorageFailure } from './storage-failure.js';

/** No cache: each blob that is fetched lies in a temporary file of its own until it is closed. */
export class SpoolCache implements BlobCache {
  readonly #tmpDir: string | undefined;

  constructor(tmpDir: string | undefined) {
    this.#tmpDir = tmpDir;
  }

  async open(): Promise<undefined> {}

  async fetch(digest: Digest, size: number, download: DownloadBlob): Promise<CachedBlob> {
    const spool = await openSpool(this.#tmpDir, size);
    try {
      const appending = await reopen(spool);
      try {
        await receiveBlob(appending ?? spool, { digest, size }, 0, download);
      } finally {
        await appending?.close();
      }
      const file = spoolFile(spool);
      return { region: { file, offset: 0, length: size }, close: () => file.close() };
    } catch (failure) {
      await spool.close();
      throw failure instanceof StorageFailure ? noSpace(failure) : failure;
    }
  }

  async discard(): Promise<void> {}

  async loadDerived(): Promise<undefined> {}

  async saveDerived(): Promise<void> {}

  async recall(): Promise<undefined> {}

  async remember(): Promise<void> {}

  async close(): Promise<void> {}
}

function noSpace(cause: Error): DimgxError {
  const message = `temporary data cannot be written (${printable(cause.message)}): choose another folder with --tmp-dir`;
  return new DimgxError('DIMGX_SOURCE_NO_SPACE', message, { cause });
}

/** The same file, for appending. It has no name but this, where the system gives it one. */
async function reopen(spool: FileHandle): Promise<FileHandle | undefined> {
  if (process.platform !== 'linux') return undefined;
  return open(`/proc/self/fd/${spool.fd}`, constants.O_RDWR | constants.O_APPEND).catch(() => undefined);
}
