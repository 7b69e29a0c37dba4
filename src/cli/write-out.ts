import { DimgxError } from '../errors.js';

/**
 * Writes text to standard output, or standard error, and waits until it is out.
 *
 * @throws DIMGX_TARGET_CLOSED when the reader has gone; DIMGX_TARGET_UNWRITABLE
 */
export async function writeOut(text: string, stream: NodeJS.WriteStream = process.stdout): Promise<void> {
  if (text === '') return;
  try {
    await new Promise<void>((resolve, reject) => {
      stream.once('error', reject);
      stream.write(text, (failure) => (failure ? reject(failure) : resolve()));
    });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EPIPE') {
      throw new DimgxError('DIMGX_TARGET_CLOSED', 'the reader of the output went away', { cause });
    }
    throw new DimgxError(
      'DIMGX_TARGET_UNWRITABLE',
      `the output could not be written: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}
