import { DimgxError } from '../../errors.js';

/** @returns the error if what is read is damaged */
export function orDamage<T>(read: () => T): T | DimgxError {
  try {
    return read();
  } catch (failure) {
    if (failure instanceof DimgxError && failure.code === 'DIMGX_STORE_DAMAGED') return failure;
    throw failure;
  }
}
