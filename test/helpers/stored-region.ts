import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Region } from '#dimgx/image/region.js';
import { temporaryFolder } from './members.js';

/** Bytes as a file of their own; it is gone when the test is over. */
export async function storedRegion(bytes: Uint8Array): Promise<Region> {
  const file = await open(join(await temporaryFolder(), 'bytes'), 'w+');
  onTestFinished(() => file.close());
  await file.write(bytes);
  return { fd: file.fd, offset: 0, length: bytes.length };
}
