import { Call } from '../base/call/call.js';
import { isTooManyFiles, tooManyFiles } from '../base/io/open-file-limit.js';
import { Resources } from '../base/io/resources.js';
import { limitsOf } from '../base/limits.js';
import { printable } from '../base/text/printable.js';
import { checkOptions, checkTmpDir, requireThat } from '../check-options.js';
import { abortedBy, DimgxError, isSystemError, type Warning } from '../errors.js';
import type { Image, OpenContext } from '../image/image.js';
import { parsePlatform } from '../image/platform.js';
import type { OpenOptions } from '../options.js';
import { checkMirrors } from '../reference/image-name.js';
import { checkBlobFolders } from './files/files-with-blobs.js';
import { locate } from './locate.js';
import { parseReference } from './reference.js';

/**
 * Opens an image for reading. Its documents are read and checked at once; its layers are not read yet.
 *
 * @param reference `transport:name[:tag][@digest]`, `-` for standard input, or a path
 * @returns the image; the caller closes it, or declares it with `await using`
 * @throws DIMGX_OPTION_INVALID, DIMGX_CALLBACK_FAILED, DIMGX_REFERENCE_INVALID, DIMGX_SOURCE_*, DIMGX_ENGINE_*,
 *   DIMGX_REGISTRY_*, DIMGX_CREDENTIALS_*, DIMGX_IMAGE_*, DIMGX_LAYER_*, DIMGX_LIMIT_SIZE,
 *   DIMGX_TAR_*, DIMGX_COMPRESSION_*, DIMGX_ABORTED; on failure nothing is left open
 */
export async function openImage(reference: string, options: OpenOptions = {}): Promise<Image> {
  requireThat(typeof reference === 'string', 'the reference', 'a string', reference);
  checkOptions(options);
  checkMirrors(options.mirrors);
  const resources = new Resources();
  const call = new Call(options);
  resources.adopt(call.end);
  const stageOptions = { ...options, ...call.options };
  const work = async () => {
    await checkTmpDir(options.tmpDir);
    await checkBlobFolders(options.blobs ?? []);
    const image = await open(reference, stageOptions, resources);
    await call.settle();
    return image;
  };
  try {
    return await call.run(work);
  } catch (failure) {
    // The caller gets the first error, not one from closing.
    await resources.close().catch(() => {});
    throw withCode(failure, reference, stageOptions.signal);
  }
}

async function open(reference: string, options: OpenOptions, resources: Resources): Promise<Image> {
  const platform = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const warnOnly = (warning: Warning) => options.onWarning?.(warning);
  const place = await locate(parseReference(reference), contextOf(options, resources), warnOnly);
  return place.open({ reference, platform, options });
}

/** What every source works with. */
export function contextOf(options: OpenOptions, resources: Resources): OpenContext {
  const { tmpDir, signal, onProgress, limits } = options;
  return { resources, tmpDir, signal, onProgress, limits: limitsOf(limits) };
}

/** An error without a code came from the operating system, or from the abort signal. */
export function withCode(failure: unknown, reference: string, signal: AbortSignal): unknown {
  if (signal.aborted) return abortedBy(signal);
  if (isTooManyFiles(failure)) return tooManyFiles(failure);
  if (!isSystemError(failure)) return failure;
  const reason = `${printable(reference, 200)} cannot be read: ${printable(failure.message, 200)}`;
  return new DimgxError('DIMGX_SOURCE_UNREADABLE', reason, { cause: failure });
}
