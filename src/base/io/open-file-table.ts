import { setTimeout as sleep } from 'node:timers/promises';
import { descriptorLimit, isCodedTooMany, isTooManyFiles, tooManyFiles } from './open-file-limit.js';

/** An open file that can be reopened. */
export interface Shuttable {
  /** Whether reopening may fail. Such a file is closed only when the system has no descriptor left. */
  readonly isPrecious: boolean;
  /** Closes it; called only while it is not being read. */
  shut(): void;
}

/** Maximum number of reopenable files open at once in the whole process, if the system's limit is high. */
const MOST = 64;
/** Reopenable files get 1/8 of the system's limit; the rest is for other files of the program and its caller. */
const SHARE = 8;
const LEAST = 4;

/** Time between two attempts to get a descriptor, in milliseconds. */
const PERIOD = 20;
/** If no descriptor is released for this long, in milliseconds, none is expected any more. */
const PATIENCE = 20_000;

function mostOfProcess(): number {
  const limit = descriptorLimit();
  return limit === undefined ? MOST : Math.min(MOST, Math.max(LEAST, Math.floor(limit / SHARE)));
}

/**
 * Tracks the reopenable files of the process and closes the least recently used ones to make room. A file that is being
 * read stays open, so a caller that needs one more has to wait.
 */
export class OpenFileTable {
  readonly #findMost: () => number;
  #known: number | undefined;
  readonly #idle = new Set<Shuttable>();
  readonly #precious = new Set<Shuttable>();
  readonly #waiting: (() => void)[] = [];
  #count = 0;
  #holders = 0;
  /** Counts released descriptors. */
  #givenBack = 0;

  /** @param findMost returns the maximum number of open files; first called when a few are open */
  constructor(findMost: () => number) {
    this.#findMost = findMost;
  }

  /** Resolves when one more file may be opened. */
  async reserve(): Promise<void> {
    while (this.#isFull && !this.#shutOne()) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#count++;
  }

  /** Counts a file that is already open. */
  count(): void {
    if (this.#isFull) this.#shutOne();
    this.#count++;
  }

  /** Stops tracking a file: it was closed, or has to stay open. */
  free(file: Shuttable): void {
    this.#idle.delete(file);
    this.#precious.delete(file);
    if (!file.isPrecious) this.#count--;
    this.notice();
    this.#waiting.shift()?.();
  }

  /** Marks the file as being read. */
  use(file: Shuttable): void {
    this.#idle.delete(file);
    this.#precious.delete(file);
  }

  /** Marks the file as idle. */
  rest(file: Shuttable): void {
    (file.isPrecious ? this.#precious : this.#idle).add(file);
    this.notice();
    this.#waiting.shift()?.();
  }

  /** Call when a descriptor was released, or soon can be. */
  notice(): void {
    this.#givenBack++;
  }

  /** Counts a call that may hold descriptors. @returns call it when the call holds none any more */
  enter(): () => void {
    this.#holders++;
    return () => {
      this.#holders--;
      this.notice();
    };
  }

  /** Whether several calls may hold descriptors now. */
  get isShared(): boolean {
    return this.#holders > 1;
  }

  /**
   * Opens any file. If too many files are open, closes reopenable ones, and waits a while for descriptors that other
   * calls hold.
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

  /** The same without waiting, for callers whose waiting would block others. */
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
   * @returns a function that waits before another attempt. It throws the failure it is given if that is not
   *   DIMGX_TOO_MANY_FILES, if no other call holds descriptors, or if none was released for too long
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
