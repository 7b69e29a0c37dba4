import { withCall } from '../base/call/call.js';
import { checkOptions, requireCacheFolder, requireThat } from '../check-options.js';
import { type Image, openedImage } from '../image/image.js';
import type { Platform } from '../image/platform.js';
import type { CommonOptions, OpenOptions, RegistryOptions } from '../options.js';
import type { Digest } from '../reference/digest.js';
import { withoutScheme } from '../reference/image-name.js';

/** Options of `pullImage`. */
export interface PullImageOptions extends CommonOptions, RegistryOptions, Pick<OpenOptions, 'platform' | 'tmpDir'> {
  /** Folder of the cache. Default: the user's cache. */
  readonly cache?: string | undefined;
}

/** A layer of a pulled image. */
export interface PulledLayer {
  readonly digest?: Digest;
  /** As stored, in bytes. */
  readonly size?: number;
}

/** An image that is now in the cache. */
export interface PulledImage {
  /** `docker://NAME`: opens the image, also with `offline`. */
  readonly reference: string;
  readonly source: Image['source'];
  /** Digest of the config, 64 hex digits. */
  readonly id: string;
  readonly manifestDigest?: Digest;
  /** The full name, unless the image was named by its digest. */
  readonly tags: readonly string[];
  readonly platform?: Platform;
  /** Oldest to newest. */
  readonly layers: readonly PulledLayer[];
}

/**
 * Downloads an image from its registry into the cache. Blobs that the cache has already are not downloaded again.
 *
 * @param name as docker reads names: `debian:12`, `HOST[:PORT]/PATH[:TAG][@DIGEST]`
 * @throws DIMGX_OPTION_INVALID, DIMGX_REFERENCE_INVALID, DIMGX_SOURCE_*, DIMGX_IMAGE_*, DIMGX_CALLBACK_FAILED,
 *   DIMGX_ABORTED
 */
export async function pullImage(name: string, options: PullImageOptions = {}): Promise<PulledImage> {
  requireThat(typeof name === 'string', 'the name', 'a string', name);
  requireCacheFolder(options);
  checkOptions(options);
  return withCall(options, async (stageOptions) => {
    const { openImage } = await import('./resolve.js');
    const image = await openImage(`docker://${withoutScheme(name)}`, stageOptions);
    try {
      await openedImage(image).fetch(image.layers.toReversed());
      return pulled(image);
    } finally {
      await image.close();
    }
  });
}

function pulled({ reference, source, id, manifestDigest, tags, platform, layers }: Image): PulledImage {
  return {
    ...{ reference, source, id, tags },
    ...(manifestDigest && { manifestDigest }),
    ...(platform && { platform }),
    layers: layers.map(({ digest, claimedSize: size }) => ({
      ...(digest && { digest }),
      ...(size !== undefined && { size }),
    })),
  };
}
