import { openFiles } from './open-file-table.js';
import type { RegionFile } from './region.js';

/** Resources an image holds open. Released in the reverse order of adoption, files last. */
export class Resources {
  readonly #closers: (() => unknown)[] = [];
  readonly #files = new Set<RegionFile>();
  #closing: Promise<void> | undefined;
  readonly #leave = openFiles.enter();

  /** Whether closing has begun. Adopted resources must not be used after that. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Calls `close` when the image is closed, or at once if it already is. */
  adopt(close: () => unknown): void {
    if (this.#closing) this.#closing = this.#closing.then(async () => void (await close()));
    else this.#closers.push(close);
  }

  /** Closes the file with the image: it is sealed first, and closed once every hold is released. */
  adoptFile(file: RegionFile): void {
    if (this.#closing) {
      file.seal();
      this.adopt(() => file.close());
    } else this.#files.add(file);
  }

  /** Closes everything once. All closers run, even if an earlier one fails. */
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

/** Runs work that holds resources open, and releases them when it is done. */
export async function withResources<T>(work: (resources: Resources) => Promise<T>): Promise<T> {
  const resources = new Resources();
  try {
    return await work(resources);
  } finally {
    await resources.close();
  }
}
