import { openSpool } from '../source/spool.js';
import type { BlobCache } from './blob-cache.js';

/** Keeps nothing: each blob is in a temporary file, which is gone when it is closed. */
export function noCache(tmpDir: string | undefined): BlobCache {
  return {
    open: async () => undefined,
    fetch: async (_digest, size, download) => {
      const spool = await openSpool(tmpDir, size);
      try {
        await download({ fd: spool.fd, from: 0 });
      } catch (failure) {
        await spool.close();
        throw failure;
      }
      return { fd: spool.fd, length: size, close: () => spool.close() };
    },
  };
}
