import { printable, reasonOf, withoutCall } from '../base/text/printable.js';
import type { Engine } from '../engine/engine.js';
import { DimgxError, isSystemError, throwIfAborted } from '../errors.js';

/** If it is `0`, the storage of an engine is never read beside the engine. */
const SWITCH = 'DIMGX_ENGINE_STORAGE';

/**
 * Reads something from the folder where an engine on this machine keeps images and containers.
 *
 * @returns what `read` returns; or why that is impossible; or `undefined` if the engine is on another machine
 * @throws DIMGX_ABORTED
 */
export async function inStorage<T extends object>(
  engine: Engine,
  signal: AbortSignal | undefined,
  read: (folder: string) => Promise<T>,
): Promise<T | string | undefined> {
  if (process.platform !== 'linux') return undefined;
  if (process.env[SWITCH] === '0') return `${SWITCH} is 0`;
  try {
    const folder = await engine.storageFolder();
    return folder === undefined ? undefined : await read(folder);
  } catch (failure) {
    throwIfAborted(signal);
    if (failure instanceof DimgxError) return failure.message;
    if (isSystemError(failure)) return printable(withoutCall(reasonOf(failure)), 300);
    throw failure;
  }
}
