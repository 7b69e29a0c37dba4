import { isTooManyFiles, tooManyFiles } from '../../base/io/too-many-files.js';
import { DimgxError, type ExitCode } from '../../errors.js';
import { UsageError } from '../options/usage-error.js';
import type { Log } from './log.js';

/** There is nothing of that name. */
const NO_IMAGE: readonly string[] = ['DIMGX_SOURCE_NOT_FOUND', 'DIMGX_SOURCE_NO_ENGINE', 'DIMGX_SOURCE_NO_IMAGE'];

/**
 * Says in one line what ended the work; where, and after which errors, only at the level `debug`. A reader that went
 * away needs no word.
 *
 * @param help the command line that tells how it is used
 * @param hint what may have been meant, when there is no such image
 * @returns what the process is to exit with
 */
export function reportFailure(failure: unknown, log: Log, help: string, hint = ''): ExitCode {
  const error = failure instanceof DimgxError ? failure : asDefect(failure);
  if (error.code === 'DIMGX_TARGET_CLOSED') return error.exitCode;
  const pointer = error instanceof UsageError ? `: see ${help}` : NO_IMAGE.includes(error.code) ? hint : '';
  log.write('error', `${error.code}: ${error.message}${pointer}`);
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    for (const line of (at.stack ?? '').split('\n')) log.write('debug', line);
  }
  return error.exitCode;
}

/** A module that is loaded late can fail to load, too, where too many files are open. */
function asDefect(failure: unknown): DimgxError {
  if (isTooManyFiles(failure)) return tooManyFiles(failure);
  const what = failure instanceof Error ? failure.message : String(failure);
  return new DimgxError('DIMGX_INTERNAL', `${what}: please report it, with what --log-level debug tells`, {
    cause: failure,
  });
}
