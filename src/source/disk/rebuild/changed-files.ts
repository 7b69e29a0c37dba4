import { NO_FILE, type Rebuilding, RebuiltFiles } from '../../../base/io/rebuilt-region.js';
import { DimgxError, throwIfAborted } from '../../../errors.js';

/** A file of a layer that is not what it was when the layer was stored. */
export interface ChangedFile {
  /** Its number in the pieces of the layer. */
  readonly file: number;
  /** DIMGX_STORE_FILE_CHANGED, with its path and times. */
  readonly failure: DimgxError;
}

/** Compares every file of a rebuilt layer with its size and its checksum. @throws DIMGX_ABORTED; other failures than changes */
export function changedFiles(rebuilding: Rebuilding, signal: AbortSignal | undefined): readonly ChangedFile[] {
  const files = new RebuiltFiles(rebuilding);
  const changed: ChangedFile[] = [];
  try {
    for (const file of new Set(rebuilding.pieces.file)) {
      throwIfAborted(signal);
      const failure = file === NO_FILE ? undefined : changeOf(() => files.requireChecksum(file));
      if (failure) changed.push({ file, failure });
    }
    return changed;
  } finally {
    files.close();
  }
}

function changeOf(check: () => void): DimgxError | undefined {
  try {
    check();
    return undefined;
  } catch (failure) {
    if (failure instanceof DimgxError && failure.code === 'DIMGX_STORE_FILE_CHANGED') return failure;
    throw failure;
  }
}
