import { readFileSync } from 'node:fs';
import { isTooManyFiles, tooManyFiles } from './too-many-files.js';

/** An open file that can be opened again. */
export interface Shuttable {
  /** Closes it; nobody is reading it. */
  shut(): void;
}

/** Files that are open and could be opened again, in the whole process, where the system allows many. */
const MOST = 64;
/** Of the files that the system allows, so many are for others: what the program itself and its caller open. */
const SHARE = 8;
const LEAST = 4;

/** Source: proc_pid_limits(5) */
function mostOfProcess(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? MOST : Math.min(MOST, Math.max(LEAST, Math.floor(Number(limit) / SHARE)));
  } catch {
    return MOST;
  }
}

/**
 * The open files of a process that are closed, the least recently used first, when others are to be opened. Files that are
 * being read stay open: whoever wants one more waits for them.
 */
export class OpenFileTable {
  readonly #findMost: () => number;
  #known: number | undefined;
  readonly #idle = new Set<Shuttable>();
  readonly #waiting: (() => void)[] = [];
  #count = 0;

  /** @param findMost tells how many may be open; it is asked when there are a few */
  constructor(findMost: () => number) {
    this.#findMost = findMost;
  }

  /** Resolves when one more file may be open. */
  async reserve(): Promise<void> {
    while (this.#isFull && !this.#shutOne()) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#count++;
  }

  /** Counts a file that is open already. */
  count(): void {
    if (this.#isFull) this.#shutOne();
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

  get #isFull(): boolean {
    if (this.#count < LEAST) return false;
    this.#known ??= this.#findMost();
    return this.#count >= this.#known;
  }

  #shutOne(): boolean {
    const [file] = this.#idle;
    file?.shut();
    return file !== undefined;
  }
}

export const openFiles = new OpenFileTable(mostOfProcess);
