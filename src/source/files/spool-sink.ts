import type { DescriptorFile } from '../../base/io/held-file.js';
import { writeAt } from '../../base/io/spool.js';
import { DimgxError } from '../../errors.js';
import type { SpoolWatcher } from '../../image/image.js';
import type { OpenContext } from '../../image/open-context.js';

/**
 * In bytes. Pipes and sockets deliver at most 64 KiB at a time. Writing each piece at once would cost more in calls
 * than copying it does.
 */
const WRITE_SIZE = 2 ** 20;

/** Appends to a spool. Pieces are copied into one of two buffers; one is filled while the other is written. */
export class SpoolSink {
  readonly #spool: DescriptorFile;
  readonly #location: string;
  readonly #context: OpenContext;
  readonly #watcher: SpoolWatcher | undefined;
  readonly #check: (head: Uint8Array) => void;
  #filling = Buffer.allocUnsafeSlow(WRITE_SIZE);
  #spare = Buffer.allocUnsafeSlow(WRITE_SIZE);
  /** Number of bytes in the buffer being filled. */
  #filled = 0;
  /** Settles when the spare buffer has been written. */
  #written: Promise<void> = Promise.resolve();
  /** Length of the spool, in bytes. */
  length = 0;

  /**
   * @param location name of what is spooled, printable
   * @param check receives the first bytes, up to 1 MiB, before they are written; an error that it throws ends the
   *   spooling
   */
  constructor(spool: DescriptorFile, location: string, context: OpenContext, check: (head: Uint8Array) => void) {
    this.#spool = spool;
    this.#location = location;
    this.#context = context;
    this.#check = check;
    this.#watcher = context.watch?.(spool);
  }

  /**
   * @returns `undefined` if the piece has been copied; otherwise the piece is needed until the promise resolves
   * @throws DIMGX_SOURCE_NO_SPACE, DIMGX_INSPECT_TOO_LARGE: the promise rejects with them
   */
  readonly take = (piece: Buffer): Promise<void> | undefined => {
    const copied = piece.copy(this.#filling, this.#filled);
    this.#filled += copied;
    if (this.#filled < WRITE_SIZE) return undefined;
    return this.#turn().then(() => this.take(piece.subarray(copied)));
  };

  /** Writes the rest. @throws as `take` */
  async finish(): Promise<void> {
    await this.#turn();
    await this.#written;
  }

  /** Starts writing the filled buffer once the other one has been written. */
  async #turn(): Promise<void> {
    await this.#written;
    const full = this.#filling;
    this.#written = this.#append(full.subarray(0, this.#filled));
    this.#written.catch(() => undefined); // the next `await this.#written` rethrows it
    this.#filling = this.#spare;
    this.#spare = full;
    this.#filled = 0;
  }

  async #append(bytes: Uint8Array): Promise<void> {
    const { limits, expected, onProgress } = this.#context;
    if (this.length === 0) this.#check(bytes);
    if (this.length + bytes.length > limits.maxSize) {
      throw new DimgxError('DIMGX_INSPECT_TOO_LARGE', `${this.#location} is larger than --max-size ${limits.maxSize}`);
    }
    const fd = await this.#spool.hold();
    try {
      await writeAt(fd, bytes, this.length);
    } finally {
      this.#spool.release();
    }
    this.length += bytes.length;
    this.#watcher?.grown(this.length);
    const total = expected === undefined ? undefined : Math.max(expected, this.length);
    onProgress?.({ stage: 'open', item: this.#location, done: this.length, total });
  }
}
