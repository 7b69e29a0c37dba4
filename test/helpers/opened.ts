import { expect, onTestFinished } from 'vitest';
import { readStart, type StoredRegion } from '#dimgx/compression/packed-region.js';
import { DimgxError, type Warning } from '#dimgx/errors.js';
import { type OpenedImage, openedImage } from '#dimgx/image/image.js';
import type { StoredLayer } from '#dimgx/image/layer.js';
import type { OpenOptions } from '#dimgx/options.js';
import { openImage } from '#dimgx/source/resolve.js';

interface StoredImage extends OpenedImage {
  readonly layers: readonly (StoredLayer & { readonly blob: StoredRegion })[];
}

/** Opens an image whose layers need no download, and closes it when the test is over. */
export async function opened(reference: string, options: OpenOptions = {}): Promise<StoredImage> {
  const image = openedImage(await openImage(reference, options));
  onTestFinished(() => image.close());
  expect(await image.fetch(image.layers)).toEqual(image.layers);
  return image as StoredImage;
}

/** The warnings given while opening an image. */
export async function warningsOf(reference: string, options: OpenOptions = {}): Promise<readonly Warning[]> {
  const warnings: Warning[] = [];
  await opened(reference, { ...options, onWarning: (warning) => warnings.push(warning) });
  return warnings;
}

/** The error from opening an image or fetching its layers. Fails if there is none. */
export async function refusal(reference: string, options: OpenOptions = {}): Promise<DimgxError> {
  const failure = await openImage(reference, options).then(
    async (image) => {
      try {
        await openedImage(image).fetch(image.layers);
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

export function bytesOf(region: StoredRegion): Promise<Buffer> {
  return readStart(region, region.length);
}
