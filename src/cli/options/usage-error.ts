import { printable } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';

/** A command line that cannot be understood. The code that reports it adds where to find help. */
export class UsageError extends DimgxError {
  /** @param what what is wrong with the command line, without a full stop */
  constructor(what: string) {
    super('DIMGX_CLI_USAGE', printable(what));
  }
}

/**
 * @param what what is wrong with the command line, without a full stop
 */
export function usageError(what: string): DimgxError {
  return new UsageError(what);
}
