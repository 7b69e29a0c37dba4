import { reasonOf } from '../base/call/reason-of.js';
import { isTooManyFiles } from '../base/io/too-many-files.js';
import { DimgxError } from '../errors.js';

/**
 * Loads the parts of a package that a codec needs.
 *
 * @throws DIMGX_COMPRESSION_UNSUPPORTED when the package is missing, or when a bundler left out a part of it
 */
export async function loadPackage<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (isTooManyFiles(cause)) throw cause;
    const message =
      `the package ${name} cannot be loaded: ${reasonOf(cause)}; install dimgx anew, or mark it as external ` +
      'if this program is a bundle';
    throw new DimgxError('DIMGX_COMPRESSION_UNSUPPORTED', message, { cause });
  }
}
