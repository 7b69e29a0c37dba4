import { write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { DimgxError } from '../../errors.js';

const writeAsync = promisify(write);

/** Writes all of `bytes` to a spool at `position`. The writer owns the bytes until it is done. */
export type WriteAt = (fd: number, bytes: Uint8Array, position: number) => void | Promise<void>;

/** @throws DIMGX_SOURCE_NO_SPACE */
export const writeAt: WriteAt = async (fd, bytes, position) => {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await writeAsync(fd, bytes, done, bytes.length - done, position + done).catch(refuse);
    done += bytesWritten;
  }
};

/** The same, synchronously; only for worker threads. */
export const writeAtSync: WriteAt = (fd, bytes, position) => {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done, bytes.length - done, position + done);
    } catch (error) {
      refuse(error);
    }
  }
};

function refuse(error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error);
  const message = `temporary data cannot be written (${reason}): choose another folder with --tmp-dir`;
  throw new DimgxError('DIMGX_SOURCE_NO_SPACE', message, { cause: error });
}
