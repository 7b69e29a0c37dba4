import { Appender } from '../../base/io/appender.js';
import type { DescriptorFile } from '../../base/io/held-file.js';
import { readRegion, readRegionSync } from '../../base/io/region.js';
import { openSpool, spoolFile, writeAt } from '../../base/io/spool.js';

/** Bytes kept in memory, for all layers together. */
export const REORDER_MEMORY = 32 * 1024 * 1024;
/** What an object costs in memory besides its bytes, in bytes. */
const OVERHEAD = 200;

/**
 * Reads of the file that are at most half as long are served from a window of this size, in bytes. It is read
 * synchronously: what was written just before is in memory, and a call in another thread takes far longer than that.
 */
const WINDOW = 16 * 1024;

/** Where bytes are kept: a position in the file, or a negative number for bytes in memory. */
export type Kept = number;

export interface ReorderOptions {
  /** Default: the system's temporary folder. */
  readonly tmpDir?: string | undefined;
  /** Explains an error of the temporary file: what it is for, and how much is needed. */
  readonly explain: (failure: unknown) => unknown;
}

/**
 * Keeps bytes that a layer has in another order than the output. They stay in memory up to `REORDER_MEMORY`; what is
 * more goes to a temporary file without a name.
 */
export class ReorderBuffer {
  readonly #options: ReorderOptions;
  readonly #inMemory = new Map<Kept, Buffer>();
  #memory = 0;
  #lastInMemory: Kept = 0;
  #file: Promise<ReorderFile> | undefined;
  /** Bytes are appended to the file one after another. */
  #saving: Promise<unknown> = Promise.resolve();

  constructor(options: ReorderOptions) {
    this.#options = options;
  }

  /**
   * Keeps a copy of bytes.
   *
   * @throws DIMGX_SOURCE_NO_SPACE
   */
  save(bytes: Buffer): Kept | Promise<Kept> {
    const cost = bytes.length + OVERHEAD;
    if (this.#memory + cost > REORDER_MEMORY) {
      const saved = this.#saving.then(() => this.#append(bytes));
      this.#saving = saved.catch(() => undefined);
      return saved;
    }
    this.#memory += cost;
    this.#inMemory.set(--this.#lastInMemory, Buffer.from(bytes));
    return this.#lastInMemory;
  }

  /** Reads bytes that are kept, from an offset on. @throws DIMGX_SOURCE_NO_SPACE, DIMGX_SOURCE_UNREADABLE */
  read(kept: Kept, offset: number, into: Uint8Array): void | Promise<void> {
    const bytes = this.#inMemory.get(kept);
    if (bytes) into.set(bytes.subarray(offset, offset + into.length));
    else return this.#readFile(kept + offset, into);
  }

  /** The bytes are not needed any more. */
  drop(kept: Kept, length: number): void {
    if (this.#inMemory.delete(kept)) this.#memory -= length + OVERHEAD;
  }

  async close(): Promise<void> {
    this.#inMemory.clear();
    await this.#saving;
    const file = await this.#file?.catch(() => undefined);
    await file?.close();
  }

  async #append(bytes: Buffer): Promise<Kept> {
    try {
      this.#file ??= ReorderFile.open(this.#options.tmpDir);
      const file = await this.#file;
      return await file.append(bytes);
    } catch (failure) {
      throw this.#options.explain(failure);
    }
  }

  async #readFile(position: number, into: Uint8Array): Promise<void> {
    try {
      const file = (await this.#file) as ReorderFile;
      if (position + into.length > file.written) {
        const flushed = this.#saving.then(() => file.flush());
        this.#saving = flushed.catch(() => undefined);
        await flushed;
      }
      await file.read(position, into);
    } catch (failure) {
      throw this.#options.explain(failure);
    }
  }
}

/** A temporary file that is appended to and read by position. */
class ReorderFile {
  readonly #file: DescriptorFile;
  readonly #appender: Appender;
  /** Length of what can be read, in bytes. */
  written = 0;
  /** The part of the file that was read last for a small read. */
  #window: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) };
  readonly #room = Buffer.allocUnsafeSlow(WINDOW);

  static async open(tmpDir: string | undefined): Promise<ReorderFile> {
    return new ReorderFile(spoolFile(await openSpool(tmpDir)));
  }

  constructor(file: DescriptorFile) {
    this.#file = file;
    this.#appender = new Appender({
      write: async (bytes, position) => {
        await writeAt(file.fd, bytes, position);
        this.written = position + bytes.length;
      },
    });
  }

  /** @returns position of the bytes in the file */
  async append(bytes: Buffer): Promise<number> {
    const position = this.#appender.length;
    await this.#appender.append(bytes);
    return position;
  }

  /** Makes all bytes readable. Nothing may be appended meanwhile. */
  flush(): Promise<void> {
    return this.#appender.flush();
  }

  read(position: number, into: Uint8Array): void | Promise<void> {
    const { fd } = this.#file;
    const length = position + into.length;
    if (into.length > WINDOW / 2) return readRegion({ file: this.#file, offset: 0, length })(into, position);
    if (!this.#holds(position, into.length)) this.#move(fd, position, into.length);
    const { start, bytes } = this.#window;
    into.set(bytes.subarray(position - start, length - start));
  }

  #holds(position: number, length: number): boolean {
    const { start, bytes } = this.#window;
    return position >= start && position + length <= start + bytes.length;
  }

  /** Moves the window so that it ends with the bytes if they lie before it, and begins with them otherwise. */
  #move(fd: number, position: number, length: number): void {
    const isBackwards = position < this.#window.start;
    const start = isBackwards ? Math.max(0, position + length - WINDOW) : position;
    const bytes = this.#room.subarray(0, this.written - start);
    readRegionSync({ file: fd, offset: 0, length: this.written })(bytes, start);
    this.#window = { start, bytes };
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
