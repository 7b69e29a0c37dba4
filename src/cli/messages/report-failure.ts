import { DimgxError, type ExitCode } from '../../index.js';
import { UsageError } from '../options/usage-error.js';
import { adviceFor } from './advice.js';
import type { Log } from './log.js';

/** Codes that mean that no such image exists, or that nobody could be asked for it. */
const NO_IMAGE: readonly string[] = [
  'DIMGX_SOURCE_NOT_FOUND',
  'DIMGX_SOURCE_NO_SUCH_IMAGE',
  'DIMGX_ENGINE_UNREACHABLE',
  'DIMGX_ENGINE_CONFIG',
  'DIMGX_ENGINE_DENIED',
  'DIMGX_REGISTRY_UNREACHABLE',
  'DIMGX_REGISTRY_DENIED',
];

/**
 * Logs the failure that ended the work in one line. The stack and the chain of causes appear only at level `debug`.
 * Nothing is logged when the reader of the output has gone away.
 *
 * @param help command line that shows the usage
 * @param hint what the user may have meant; appended to bad usage, and when there is no such image
 * @returns exit code of the process
 */
export function reportFailure(failure: unknown, log: Log, help: string, hint = ''): ExitCode {
  const error = failure instanceof DimgxError ? failure : asDefect(failure);
  if (error.code === 'DIMGX_TARGET_CLOSED') return error.exitCode;
  const isUsage = error instanceof UsageError;
  const text = `${error.message}${adviceFor(error)}${isUsage || NO_IMAGE.includes(error.code) ? hint : ''}`;
  const pointer = isUsage ? `${text.endsWith('?') ? ' See' : ': see'} ${help}` : '';
  log.write('error', `${error.code}: ${text}${pointer}`);
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    for (const line of (at.stack ?? '').split('\n')) log.write('debug', line);
  }
  return error.exitCode;
}

/** A module that is loaded on demand can also fail to load when too many files are open. */
function asDefect(failure: unknown): DimgxError {
  const what = failure instanceof Error ? failure.message : String(failure);
  if (failure instanceof Error && 'code' in failure && (failure.code === 'EMFILE' || failure.code === 'ENFILE')) {
    const message = 'too many files are open: raise the limit (ulimit -n), or do less in parallel';
    return new DimgxError('DIMGX_TOO_MANY_FILES', message, { cause: failure });
  }
  return new DimgxError('DIMGX_INTERNAL', `${what}: please report it, with the output of --log-level debug`, {
    cause: failure,
  });
}
