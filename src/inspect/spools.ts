import type { DescriptorFile } from '../base/io/held-file.js';
import { isCodedTooMany } from '../base/io/open-file-limit.js';
import type { Resources } from '../base/io/resources.js';
import { openSpool, requireSpoolSpace, spoolFile } from '../base/io/spool.js';
import type { SpoolPlace } from './layer-task.js';

/** Places in spools begin at page boundaries. */
const PAGE = 4096;

/** A place in a spool that belongs to its taker until it is given back. */
export interface TakenPlace extends SpoolPlace {
  /** @param length length of what was written there, in bytes */
  giveBack(length: number): void;
}

/**
 * Temporary files that layers are decoded into. Layers share them, one after another, so there are no more files than
 * layers being decoded at once. The image's resources close them.
 */
export class Spools {
  readonly #tmpDir: string | undefined;
  readonly #resources: Resources;
  /** Free spools. `end` is where the next layer begins. */
  readonly #free: { readonly file: DescriptorFile; readonly end: number }[] = [];
  /** Number of places not given back yet. */
  #taken = 0;
  readonly #waiting: (() => void)[] = [];
  #known: Promise<DescriptorFile> | undefined;
  #knownEnd = 0;

  constructor(tmpDir: string | undefined, resources: Resources) {
    this.#tmpDir = tmpDir;
    this.#resources = resources;
  }

  /**
   * Takes a place for a layer of unknown length. If no more files can be opened, waits until another place is given
   * back.
   *
   * @param atLeast minimum size of the layer, in bytes
   * @throws DIMGX_SOURCE_NO_SPACE, DIMGX_TOO_MANY_FILES
   */
  async take(atLeast: number): Promise<TakenPlace> {
    const { file, end } = await this.#find(atLeast);
    this.#taken++;
    let isGiven = false;
    const giveBack = (length: number) => {
      if (isGiven) return;
      isGiven = true;
      this.#taken--;
      this.#free.push({ file, end: Math.ceil((end + length) / PAGE) * PAGE });
      this.#waiting.shift()?.();
    };
    return { file, offset: end, giveBack };
  }

  /** Allots a place to a layer of known length. @throws as `take` */
  async allot(length: number, atLeast: number): Promise<SpoolPlace> {
    const offset = this.#knownEnd;
    this.#knownEnd = Math.ceil((offset + length) / PAGE) * PAGE;
    if (this.#known) await requireSpoolSpace(this.#tmpDir, atLeast);
    this.#known ??= this.#open(atLeast);
    return { file: await this.#known, offset, room: length };
  }

  async #find(atLeast: number): Promise<{ readonly file: DescriptorFile; readonly end: number }> {
    for (;;) {
      const free = this.#free.pop();
      if (free) {
        await requireSpoolSpace(this.#tmpDir, atLeast);
        return free;
      }
      try {
        return { file: await this.#open(atLeast), end: 0 };
      } catch (failure) {
        if (this.#taken === 0 || !isCodedTooMany(failure)) throw failure;
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    }
  }

  async #open(atLeast: number): Promise<DescriptorFile> {
    const file = spoolFile(await openSpool(this.#tmpDir, atLeast, false));
    this.#resources.adoptFile(file);
    return file;
  }
}
