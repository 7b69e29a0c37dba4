import { tryParseJson } from '../../base/text/go-json.js';
import { DimgxError } from '../../errors.js';
import type { StoreFiles } from './store-files.js';

/** Limit of a document, in bytes. Source: containers/image, MaxManifestBodySize. */
const MAX_SIZE = 4 * 2 ** 20;

/**
 * A document that is only shown: whether it is there and whole changes nothing that is read.
 *
 * @returns `undefined` if it is missing, cannot be read, or is not JSON
 */
export function shownJson(files: StoreFiles, path: string): unknown {
  try {
    const bytes = files.read(path, MAX_SIZE);
    return bytes && tryParseJson(bytes.toString());
  } catch (failure) {
    if (failure instanceof DimgxError) return undefined;
    throw failure;
  }
}
