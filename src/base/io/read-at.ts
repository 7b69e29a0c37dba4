import { DimgxError } from '../../errors.js';

/**
 * Fills `into` with the bytes from `position` on, or fails with DIMGX_EXTRACT_CHANGED. A synchronous one suits a
 * worker thread, where nobody waits.
 */
export type ReadAt = (into: Uint8Array, position: number) => void | Promise<void>;

/** @throws DIMGX_EXTRACT_CHANGED always: for a `ReadAt` that meets the end too early */
export function sourceEnded(): never {
  throw new DimgxError('DIMGX_EXTRACT_CHANGED', 'the source became shorter while it was read');
}
