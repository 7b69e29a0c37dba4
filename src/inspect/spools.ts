import type { FileHandle } from 'node:fs/promises';
import type { DescriptorFile } from '../base/io/held-file.js';
import type { Resources } from '../base/io/resources.js';
import { openSpool, spoolFile } from '../base/io/spool.js';
import { spoolRoom } from '../base/io/spool-room.js';
import type { SpoolPlace } from './layer-task.js';

/** Places in spools begin at page boundaries. */
const PAGE = 4096;

/** A layer gets a place only if it may grow to this many times its stored size. Most layers grow to three times. */
const GROWTH = 4;

/** A place in a spool that belongs to its taker until it is given back. */
export interface TakenPlace extends SpoolPlace {
  /** @param length length of what is kept there, in bytes; 0 for nothing */
  giveBack(length: number): Promise<void>;
}

interface FreeSpool {
  readonly handle: FileHandle;
  readonly file: DescriptorFile;
  /** Where the next layer begins. */
  readonly end: number;
}

/**
 * Temporary files in memory that keep what compressed layers decode to, so that they are decoded once. There are none
 * on a disk, where writing takes longer than decoding again. The rule: the temporary folder is in memory, and all
 * layers together take at most half of its free space and half of the machine's free memory. The image's resources
 * close the files.
 */
export class Spools {
  readonly #tmpDir: string | undefined;
  readonly #resources: Resources;
  readonly #free: FreeSpool[] = [];
  /** Bytes that may still be taken. */
  #room = 0;
  /** Settles when it is known how much room there was at first. */
  #measured: Promise<void> | undefined;

  /** @param tmpDir default: the system's temporary folder */
  constructor(tmpDir: string | undefined, resources: Resources) {
    this.#tmpDir = tmpDir;
    this.#resources = resources;
  }

  /**
   * Takes a place for a layer.
   *
   * @param storedLength size of the compressed layer, in bytes
   * @returns `undefined` if there is no room
   */
  async take(storedLength: number): Promise<TakenPlace | undefined> {
    this.#measured ??= this.#measure();
    await this.#measured;
    // Half of what is left: others may be decoded at the same time.
    const room = Math.floor(this.#room / 2);
    if (room < storedLength * GROWTH) return undefined;
    this.#room -= room;
    const spool = this.#free.pop() ?? (await this.#open());
    if (!spool) {
      this.#room += room;
      return undefined;
    }
    const { handle, file, end } = spool;
    const giveBack = async (length: number) => {
      this.#room += room - length;
      if (length === 0) await handle.truncate(end);
      this.#free.push({ handle, file, end: Math.ceil((end + length) / PAGE) * PAGE });
    };
    return { file, offset: end, room, giveBack };
  }

  async #measure(): Promise<void> {
    const { bytes, isInMemory } = await spoolRoom(this.#tmpDir);
    this.#room = isInMemory ? bytes : 0;
  }

  /** @returns `undefined` if no file can be opened: a spool is never necessary */
  async #open(): Promise<FreeSpool | undefined> {
    try {
      const handle = await openSpool(this.#tmpDir, undefined, false);
      const file = spoolFile(handle);
      this.#resources.adoptFile(file);
      return { handle, file, end: 0 };
    } catch {
      return undefined;
    }
  }
}
