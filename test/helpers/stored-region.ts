import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Region } from '#dimgx/image/region.js';

/** Bytes as a file of their own; it is gone when the test is over. */
export async function storedRegion(bytes: Uint8Array): Promise<Region> {
  const folder = await mkdtemp(join(tmpdir(), 'dimgx-region-'));
  const file = await open(join(folder, 'bytes'), 'w+');
  await file.write(bytes);
  onTestFinished(async () => {
    await file.close();
    await rm(folder, { recursive: true });
  });
  return { fd: file.fd, offset: 0, length: bytes.length };
}
