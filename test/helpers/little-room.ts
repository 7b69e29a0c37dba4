import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { vi } from 'vitest';

/**
 * Runs work while every folder seems to be on a disk that has so few free bytes. Files can be written there all the
 * same.
 */
export async function withLittleRoom<T>(free: number, work: () => Promise<T>): Promise<T> {
  const spy = vi.spyOn(fsPromises, 'statfs') as { mockResolvedValue(value: object): unknown; mockRestore(): void };
  spy.mockResolvedValue({ type: 0xef53, blocks: 2 ** 30, bavail: free, bsize: 1 });
  syncBuiltinESMExports();
  try {
    return await work();
  } finally {
    spy.mockRestore();
    syncBuiltinESMExports();
  }
}
