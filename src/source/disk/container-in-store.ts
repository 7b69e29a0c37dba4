import { quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';
import { CONTAINER } from '../../image/container.js';
import type { Image, OpenContext } from '../../image/image.js';
import type { OpenRequest } from '../source.js';
import { knownStore } from './known-store.js';
import { StoreFiles } from './store-files.js';

/**
 * Opens a running engine's container in the folder where the engine keeps it.
 *
 * @param id 64 hex digits
 * @throws DIMGX_SOURCE_*, DIMGX_STORE_DAMAGED, DIMGX_IMAGE_*, DIMGX_LAYER_BAD_PARENT; the operating system's errors
 */
export async function containerInStore(
  root: string,
  id: string,
  request: OpenRequest,
  context: OpenContext,
): Promise<Image> {
  const files = await StoreFiles.open(root, context);
  const store = knownStore(files, root, context);
  if (!store) throw new DimgxError('DIMGX_SOURCE_NOT_AN_IMAGE', `${quoted(root)} is no storage that dimgx knows`);
  return store.place(`${CONTAINER}${id}`).open(request);
}
