import { read } from 'node:fs';
import { promisify } from 'node:util';
import { readBuffer } from '../../base/io/region.js';
import { formatSize } from '../../base/limits.js';
import { printable, reasonOf, withoutCall } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';
import { invalidBag } from '../bag/bag-error.js';

const readAsync = promisify(read);

/** In bytes. */
const PIECE = 2 ** 18;

/** Maximum length of a line, in bytes: more than any path, target and xattrs of an entry take, with each byte escaped. */
const LONGEST_LINE = 2 ** 24;

/** The lines of a record in a bag, one at a time. They end with LF alone. Memory does not grow with their number. */
export class RecordLines {
  /** The current line: one character for one byte, with its line end if it has one. `undefined` at the end. */
  line: string | undefined = '';
  /** Number of the current line, counted from 1. */
  number = 0;
  readonly #fd: number;
  readonly #path: string;
  #buffer = readBuffer(PIECE);
  #position = 0;
  #text = '';
  #at = 0;

  /** @param fd stays open until the last line has been read @param path of the record, for errors */
  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.#path = path;
  }

  /**
   * Goes to the next line.
   *
   * @returns a promise if bytes must be read first
   * @throws DIMGX_BAG_INVALID for a line longer than 16 MiB; DIMGX_SOURCE_UNREADABLE
   */
  next(): Promise<void> | undefined {
    this.number++;
    const end = this.#text.indexOf('\n', this.#at) + 1;
    if (end === 0) return this.#readLine();
    this.line = this.#text.slice(this.#at, end);
    this.#at = end;
    return undefined;
  }

  async #readLine(): Promise<void> {
    let rest = this.#text.slice(this.#at);
    for (;;) {
      const bytesRead = await this.#read();
      const searched = rest.length;
      rest += this.#buffer.toString('latin1', 0, bytesRead);
      const end = bytesRead === 0 ? rest.length : rest.indexOf('\n', searched) + 1;
      if (bytesRead === 0 || end > 0) {
        this.#text = rest;
        this.#at = end;
        this.line = end === 0 ? undefined : rest.slice(0, end);
        return;
      }
      if (rest.length > LONGEST_LINE) {
        throw invalidBag(`${this.#path}, line ${this.number}: the line is longer than ${formatSize(LONGEST_LINE)}`);
      }
      // Each search joins the text, so a long line is read in pieces that grow with it.
      if (rest.length > this.#buffer.length) this.#buffer = readBuffer(rest.length);
    }
  }

  /** Fills the buffer. @returns the number of bytes read */
  async #read(): Promise<number> {
    try {
      const { bytesRead } = await readAsync(this.#fd, this.#buffer, 0, this.#buffer.length, this.#position);
      this.#position += bytesRead;
      return bytesRead;
    } catch (cause) {
      const message = `${printable(this.#path)} cannot be read: ${withoutCall(reasonOf(cause))}`;
      throw new DimgxError('DIMGX_SOURCE_UNREADABLE', message, { cause });
    }
  }
}
