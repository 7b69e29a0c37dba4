import { setTimeout as sleep } from 'node:timers/promises';
import { descriptorLimit } from './descriptor-limit.js';
import { isCodedTooMany, isTooManyFiles, tooManyFiles } from './too-many-files.js';

/** An open file that can be opened again. */
export interface Shuttable {
  /** Whether it may be impossible to open it again: it is shut only when the system has no descriptor left. */
  readonly isPrecious: boolean;
  /** Closes it; nobody is reading it. */
  shut(): void;
}

/** Files that are open and could be opened again, in the whole process, where the system allows many. */
const MOST = 64;
/** Of the files that the system allows, so many are for others: what the program itself and its caller open. */
const SHARE = 8;
const LEAST = 4;

/** Between two attempts to get a descriptor, in milliseconds. */
const PERIOD = 20;
/** After so long without one that was given back, nobody will give one back, in milliseconds. */
const PATIENCE = 20_000;

function mostOfProcess(): number {
  const limit = descriptorLimit();
  return limit === undefined ? MOST : Math.min(MOST, Math.max(LEAST, Math.floor(limit / SHARE)));
}

/**
 * The open files of a process that are closed, the least recently used first, when others are to be opened. A file that is
 * being read stays open: a caller that wants one more waits for it.
 */
export class OpenFileTable {
  readonly #findMost: () => number;
  #known: number | undefined;
  readonly #idle = new Set<Shuttable>();
  readonly #precious = new Set<Shuttable>();
  readonly #waiting: (() => void)[] = [];
  #count = 0;
  #holders = 0;
  /** Grows with each descriptor that is given back. */
  #givenBack = 0;

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
    this.#precious.delete(file);
    if (!file.isPrecious) this.#count--;
    this.notice();
    this.#waiting.shift()?.();
  }

  /** Somebody reads the file. */
  use(file: Shuttable): void {
    this.#idle.delete(file);
    this.#precious.delete(file);
  }

  /** Nobody reads the file any more. */
  rest(file: Shuttable): void {
    (file.isPrecious ? this.#precious : this.#idle).add(file);
    this.notice();
    this.#waiting.shift()?.();
  }

  /** Some descriptor was given back, or soon can be. */
  notice(): void {
    this.#givenBack++;
  }

  /** Counts a call that may hold descriptors. @returns to be called when it holds none any more */
  enter(): () => void {
    this.#holders++;
    return () => {
      this.#holders--;
      this.notice();
    };
  }

  /** Whether several calls may hold descriptors just now. */
  get isShared(): boolean {
    return this.#holders > 1;
  }

  /**
   * Opens any file, and makes room for it when too many are open: it closes those that can be opened again, and waits for
   * those that other calls hold, for some time.
   *
   * @throws DIMGX_TOO_MANY_FILES; what `open` throws
   */
  async makeRoomFor<T>(open: () => Promise<T>): Promise<T> {
    const wait = this.patience();
    for (;;) {
      try {
        return await this.makeRoomNow(open);
      } catch (failure) {
        await wait(failure);
      }
    }
  }

  /** The same without waiting, for callers that keep others from their work meanwhile. */
  async makeRoomNow<T>(open: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await open();
      } catch (failure) {
        if (!isTooManyFiles(failure)) throw failure;
        if (!this.#shutOne() && !this.#shutPrecious()) throw tooManyFiles(failure);
      }
    }
  }

  /**
   * @returns waits until it is worth another attempt; throws the failure that it is given when it is another than
   *   DIMGX_TOO_MANY_FILES, no other call holds descriptors, or none of them has given one back for too long
   */
  patience(): (failure: unknown) => Promise<void> {
    let seen = this.#givenBack;
    let since = performance.now();
    return async (failure) => {
      if (this.#givenBack !== seen) since = performance.now();
      seen = this.#givenBack;
      const isWorthIt = isCodedTooMany(failure) && this.isShared && performance.now() - since <= PATIENCE;
      if (!isWorthIt) throw failure;
      await sleep(PERIOD);
    };
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

  #shutPrecious(): boolean {
    const [file] = this.#precious;
    file?.shut();
    return file !== undefined;
  }
}

export const openFiles = new OpenFileTable(mostOfProcess);
