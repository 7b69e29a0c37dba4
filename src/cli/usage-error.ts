import { DimgxError } from '../errors.js';
import { printable } from '../image/printable.js';

/**
 * @param what what is wrong with the command line, without a full stop
 */
export function usageError(what: string): DimgxError {
  return new DimgxError('DIMGX_CLI_USAGE', `${printable(what)}: see dimgx --help`);
}
