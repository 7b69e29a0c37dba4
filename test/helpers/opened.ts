import { expect, onTestFinished } from 'vitest';
import { readRegion } from '#dimgx/base/io/read-region.js';
import type { Region } from '#dimgx/base/io/region.js';
import { DimgxError, type Warning } from '#dimgx/errors.js';
import type { Image, StoredLayer } from '#dimgx/image/image.js';
import type { OpenOptions } from '#dimgx/options.js';
import { openImage } from '#dimgx/source/resolve.js';

interface StoredImage extends Image {
  readonly layers: readonly StoredLayer[];
}

/** Opens an image whose layers lie where it is, and closes it when the test is over. */
export async function opened(reference: string, options: OpenOptions = {}): Promise<StoredImage> {
  const image = await openImage(reference, options);
  onTestFinished(() => image.close());
  expect(await image.fetch(image.layers)).toEqual(image.layers);
  return image as StoredImage;
}

/** The warnings that opening an image gave. */
export async function warningsOf(reference: string, options: OpenOptions = {}): Promise<readonly Warning[]> {
  const warnings: Warning[] = [];
  await opened(reference, { ...options, onWarning: (warning) => warnings.push(warning) });
  return warnings;
}

/** The error with which an image could not be opened, or not all of its layers be read. Fails when they could. */
export async function refusal(reference: string, options: OpenOptions = {}): Promise<DimgxError> {
  const failure = await openImage(reference, options).then(
    async (image) => {
      try {
        await image.fetch(image.layers);
      } catch (failure) {
        return failure;
      } finally {
        await image.close();
      }
      throw new Error(`${reference} was opened`);
    },
    (error: unknown) => error,
  );
  if (failure instanceof DimgxError) return failure;
  throw failure;
}

export async function bytesOf(region: Region): Promise<Buffer> {
  const bytes = Buffer.alloc(region.length);
  await readRegion(region)(bytes, 0);
  return bytes;
}
