import { DimgxError } from '../errors.js';
import { foreignFormat } from './foreign-format.js';
import { BLOCK } from './header.js';

/** Number of bytes to show: enough for the magic of most formats. */
const SHOWN = 8;

/**
 * Error for data that does not begin like a tar archive. Names the actual format if known.
 *
 * @param begin the first bytes, decompressed
 */
export function notATar(begin: Uint8Array, cause?: unknown): DimgxError {
  const format = foreignFormat(begin);
  const shown = Buffer.from(begin.subarray(0, SHOWN)).toString('hex');
  const shortness = begin.length < BLOCK ? ', and too short for one' : '';
  if (format?.kind === 'compressed twice') {
    const message = `this is compressed twice: it decompresses to ${format.name}, not to a tar archive; compress it only once`;
    return new DimgxError('DIMGX_TAR_NOT_A_TAR', message, { cause });
  }
  const what =
    format === undefined
      ? `this is not a tar archive${shortness}, and not compressed in a format that dimgx knows`
      : `this is ${format.name}, not a tar archive${shortness}`;
  return new DimgxError('DIMGX_TAR_NOT_A_TAR', `${what}: it begins with ${shown}`, { cause });
}

/**
 * Error for data that follows nothing but zeros. File systems often begin with zeros, which tar readers take for an
 * empty archive.
 *
 * @param block the first block that is not all zeros
 * @param position offset of the block in the file
 */
export function notAnEmptyTar(block: Uint8Array, position: number): DimgxError {
  const first = block.findIndex((byte) => byte !== 0);
  const shown = Buffer.from(block.subarray(first, first + SHOWN)).toString('hex');
  const what = `this is ${foreignFormat(block, position)?.name ?? 'something else'}, not an empty tar archive`;
  const where = `it begins with ${position + first} bytes of zeros, followed by ${shown}`;
  return new DimgxError('DIMGX_TAR_NOT_A_TAR', `${what}: ${where}`);
}
