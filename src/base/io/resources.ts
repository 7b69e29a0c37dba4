import { openFiles } from './open-file-table.js';
import type { RegionFile } from './region.js';

/** What an image holds open, given back in the reverse order of its taking; its files last. */
export class Resources {
  readonly #closers: (() => unknown)[] = [];
  readonly #files = new Set<RegionFile>();
  #closing: Promise<void> | undefined;
  readonly #leave = openFiles.enter();

  /** What was adopted must not be used any more. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Calls `close` when the image is closed; at once, when it already is. */
  adopt(close: () => unknown): void {
    if (this.#closing) this.#closing = this.#closing.then(async () => void (await close()));
    else this.#closers.push(close);
  }

  /** Closes a file with the image: nobody gets hold of it from the first moment on, and it is closed when nobody has it. */
  adoptFile(file: RegionFile): void {
    if (this.#closing) {
      file.seal();
      this.adopt(() => file.close());
    } else this.#files.add(file);
  }

  /** Closes everything once; every closer runs even when one before it fails. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    for (const file of this.#files) file.seal();
    const failures: unknown[] = [];
    const attempt = async (close: () => unknown) => {
      try {
        await close();
      } catch (failure) {
        failures.push(failure);
      }
    };
    for (const close of this.#closers.splice(0).reverse()) await attempt(close);
    for (const file of this.#files) await attempt(() => file.close());
    this.#leave();
    if (failures.length > 0) throw failures[0];
  }
}

/** Does work that holds things open, and gives them back when it is done. */
export async function withResources<T>(work: (resources: Resources) => Promise<T>): Promise<T> {
  const resources = new Resources();
  try {
    return await work(resources);
  } finally {
    await resources.close();
  }
}
