import { DimgxError } from '../../errors.js';

/**
 * Fills `into` with the bytes from `position` on, or fails with DIMGX_EXTRACT_CHANGED. A synchronous implementation is
 * fine in a worker thread, where blocking delays nothing else.
 */
export type ReadAt = (into: Uint8Array, position: number) => void | Promise<void>;

/** @throws DIMGX_EXTRACT_CHANGED always: for a `ReadAt` that reaches the end too early */
export function sourceEnded(): never {
  throw new DimgxError('DIMGX_EXTRACT_CHANGED', 'the source became shorter while it was read');
}
