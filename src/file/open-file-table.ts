import { isTooManyFiles, tooManyFiles } from './too-many-files.js';

/** An open file that can be opened again. */
export interface Shuttable {
  /** Closes it; nobody is reading it. */
  shut(): void;
}

/** Files that are open and could be opened again, in the whole process. */
const MOST = 64;

/**
 * The open files of a process that are closed, the least recently used first, when others are to be opened. Files that are
 * being read stay open: whoever wants one more waits for them.
 */
export class OpenFileTable {
  readonly #most: number;
  readonly #idle = new Set<Shuttable>();
  readonly #waiting: (() => void)[] = [];
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves when one more file may be open. */
  async reserve(): Promise<void> {
    while (this.#count >= this.#most && !this.#shutOne()) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#count++;
  }

  /** Counts a file that is open already. */
  count(): void {
    this.#count++;
  }

  /** A file is closed, or stays open whatever happens. */
  free(file: Shuttable): void {
    this.#idle.delete(file);
    this.#count--;
    this.#waiting.shift()?.();
  }

  /** Somebody reads the file. */
  use(file: Shuttable): void {
    this.#idle.delete(file);
  }

  /** Nobody reads the file any more. */
  rest(file: Shuttable): void {
    this.#idle.add(file);
    this.#waiting.shift()?.();
  }

  /**
   * Opens any file, and makes room for it when too many are open.
   *
   * @throws DIMGX_TOO_MANY_FILES; what `open` throws
   */
  async makeRoomFor<T>(open: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await open();
      } catch (failure) {
        if (!isTooManyFiles(failure)) throw failure;
        if (!this.#shutOne()) throw tooManyFiles(failure);
      }
    }
  }

  #shutOne(): boolean {
    const [file] = this.#idle;
    file?.shut();
    return file !== undefined;
  }
}

export const openFiles = new OpenFileTable(MOST);
