import { DimgxError } from '../../errors.js';
import type { Container, ListedContainer } from '../../image/container.js';
import { folderSize } from './folder/folder-size.js';
import type { StoreFiles } from './store-files.js';

/**
 * A container for a listing: with the size of its changes, or why they cannot be read.
 *
 * @param changes finds the folder that has them, below that of the storage
 */
export function listedContainer(
  files: StoreFiles,
  container: Container,
  changes: () => string | undefined,
): ListedContainer {
  try {
    const folder = changes();
    const size = folder === undefined ? undefined : folderSize(files.root, folder);
    return { ...container, ...(size !== undefined && { size }) };
  } catch (failure) {
    if (!(failure instanceof DimgxError)) throw failure;
    return { ...container, problem: { code: failure.code, message: failure.message } };
  }
}
