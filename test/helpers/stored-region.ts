import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { DescriptorFile } from '#dimgx/base/io/held-file.js';
import type { Region } from '#dimgx/base/io/region.js';
import { temporaryFolder } from './members.js';

/** Bytes in a file of their own, which is removed when the test is over. */
export async function storedRegion(bytes: Uint8Array): Promise<Region & { readonly file: DescriptorFile }> {
  const file = await open(join(await temporaryFolder(), 'bytes'), 'w+');
  onTestFinished(() => file.close());
  await file.write(bytes);
  return regionOf(file, bytes.length);
}

/** The beginning of a file that its opener still owns. */
export function regionOf({ fd }: Pick<FileHandle, 'fd'>, length: number) {
  return { file: new DescriptorFile({ fd }), offset: 0, length };
}
