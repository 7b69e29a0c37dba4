import type { DescriptorFile } from '../../base/io/descriptor-file.js';
import { writeAt } from '../../base/io/write-at.js';
import { DimgxError } from '../../errors.js';
import type { SpoolWatcher } from '../../image/image.js';
import type { OpenContext } from '../../image/open-context.js';

/** Pipes and sockets give 64 KiB at a time or less: written as they come, calls would cost more than the copy. */
const WRITE_SIZE = 2 ** 20;

/** Appends to a spool. What comes is copied into one of two buffers: one is filled while the other is written. */
export class SpoolSink {
  readonly #spool: DescriptorFile;
  readonly #location: string;
  readonly #context: OpenContext;
  readonly #watcher: SpoolWatcher | undefined;
  readonly #check: (head: Uint8Array) => void;
  #filling = Buffer.allocUnsafeSlow(WRITE_SIZE);
  #spare = Buffer.allocUnsafeSlow(WRITE_SIZE);
  /** Of the buffer that is filled, in bytes. */
  #filled = 0;
  /** Of the spare buffer. */
  #written: Promise<void> = Promise.resolve();
  /** Of the spool, in bytes. */
  length = 0;

  /**
   * @param location what is spooled, printable
   * @param check gets the first bytes, up to 1 MiB, before they are written; what it throws ends the spooling
   */
  constructor(spool: DescriptorFile, location: string, context: OpenContext, check: (head: Uint8Array) => void) {
    this.#spool = spool;
    this.#location = location;
    this.#context = context;
    this.#check = check;
    this.#watcher = context.watch?.(spool);
  }

  /**
   * @returns `undefined` when the piece has been copied; else the piece is needed until this resolves
   * @throws DIMGX_SOURCE_NO_SPACE, DIMGX_INSPECT_TOO_LARGE: what it returns rejects with them
   */
  readonly take = (piece: Buffer): Promise<void> | undefined => {
    const copied = piece.copy(this.#filling, this.#filled);
    this.#filled += copied;
    if (this.#filled < WRITE_SIZE) return undefined;
    return this.#turn().then(() => this.take(piece.subarray(copied)));
  };

  /** Writes what is left. @throws as `take` */
  async finish(): Promise<void> {
    await this.#turn();
    await this.#written;
  }

  /** Begins to write what was filled, when the other buffer has been written. */
  async #turn(): Promise<void> {
    await this.#written;
    const full = this.#filling;
    this.#written = this.#append(full.subarray(0, this.#filled));
    this.#written.catch(() => undefined); // whoever waits for it next is told
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
