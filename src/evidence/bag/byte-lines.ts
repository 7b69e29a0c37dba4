import { read } from 'node:fs';
import { promisify } from 'node:util';
import type { ByteName } from '../../base/io/open-folder.js';
import { readBuffer } from '../../base/io/region.js';
import { throwIfAborted } from '../../errors.js';

const readAsync = promisify(read);

/** In bytes. */
const PIECE = 2 ** 20;

/**
 * Reads an open file line by line, from its start to its end. Lines end with LF, CR or CRLF; the last one need not.
 *
 * @param onLine called with each line, one character for one byte, and its number, counted from 1
 * @param longest maximum length of a line, in bytes. Longer ones may be passed in full or in part, the last of them
 * @throws the operating system's errors, what `onLine` throws, DIMGX_ABORTED
 */
export async function forEachLine(
  fd: number,
  onLine: (line: ByteName, number: number) => void,
  longest: number,
  signal?: AbortSignal,
): Promise<void> {
  const buffer = readBuffer(PIECE);
  let rest = '';
  let number = 0;
  for (let position = 0; ; ) {
    throwIfAborted(signal);
    const { bytesRead } = await readAsync(fd, buffer, 0, PIECE, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    const text = rest + buffer.toString('latin1', 0, bytesRead);
    // A CR at the end may be half of a CRLF.
    const isOpen = text.endsWith('\r');
    const lines = (isOpen ? text.slice(0, -1) : text).split(/\r\n|[\n\r]/);
    rest = lines.pop() as string;
    for (const line of lines) onLine(line, ++number);
    if (rest.length > longest) return onLine(rest, number + 1);
    if (isOpen) rest += '\r';
  }
  const last = rest.replace(/\r$/, '');
  if (last !== '') onLine(last, number + 1);
}
