import { chmodSync, closeSync, fstatSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onAbort } from '../../base/call/on-abort.js';
import { TemporaryName } from '../../base/io/temporary-name.js';
import { unwritable } from '../../base/io/unwritable.js';
import { pathData } from '../../base/text/printable.js';
import { type DimgxError, isSystemError, throwIfAborted } from '../../errors.js';
import { BagFile, type FileSum } from './bag-file.js';
import { type BagPlace, findBagPlace, refused } from './bag-place.js';
import { hashFile } from './hash-file.js';
import { PAYLOAD } from './manifest-path.js';
import { type BagFacts, makeTagFiles, type PayloadFile, type TagFile } from './tag-files.js';

/** The bits of a mode that let the owner make a bag. */
const OWNER = 0o700;

/**
 * A new bag. It is made under a temporary name beside its place, and takes its place when it is complete. At the end,
 * either `complete` or `discard` is called. When the caller aborts, the bag is removed at once.
 */
export class BagFolder {
  readonly #place: BagPlace;
  readonly #temporary: TemporaryName;
  readonly #signal: AbortSignal | undefined;
  readonly #release: () => void;
  /** Payload files by their paths; those whose sum is not known yet without one. */
  readonly #payload = new Map<string, FileSum | undefined>();
  readonly #files: BagFile[] = [];
  /** Folders of the payload that exist, by their paths. */
  readonly #folders = new Set(['.']);

  /**
   * Begins a bag.
   *
   * @param directory it must be empty, or not exist
   * @throws DIMGX_TARGET_UNWRITABLE, DIMGX_TARGET_NO_SPACE, DIMGX_TOO_MANY_FILES, DIMGX_OPTION_INVALID, DIMGX_ABORTED
   */
  static async create(directory: string, signal?: AbortSignal): Promise<BagFolder> {
    const place = await findBagPlace(directory);
    const temporary = await TemporaryName.in(dirname(place.path));
    try {
      throwIfAborted(signal);
      return new BagFolder(place, temporary, signal);
    } catch (failure) {
      temporary.remove();
      await temporary.close();
      throw unwritable(directory, failure, pathData(directory));
    }
  }

  /** Makes the folder synchronously: no signal can be handled between making it and listening for an abort. */
  private constructor(place: BagPlace, temporary: TemporaryName, signal: AbortSignal | undefined) {
    this.#place = place;
    this.#temporary = temporary;
    this.#signal = signal;
    mkdirSync(temporary.path);
    if (place.mode !== undefined) chmodSync(temporary.path, place.mode | OWNER);
    mkdirSync(this.#payloadFolder);
    this.#release = signal ? onAbort(signal, this.#remove) : () => {};
  }

  /**
   * Announces a payload file that the caller writes itself, before `complete` is called.
   *
   * @param path below `data/`
   * @returns where it is to be written; the folders on the way exist, the file does not
   * @throws DIMGX_TARGET_*, DIMGX_ABORTED
   */
  pathOf(path: string): string {
    throwIfAborted(this.#signal);
    this.#call(() => this.#makeFolder(dirname(path)));
    this.#payload.set(path, undefined);
    return join(this.#payloadFolder, path);
  }

  /** Tells what is known about a file of `pathOf`. It is not read for its digest then. */
  know(path: string, sum: FileSum): void {
    this.#payload.set(path, sum);
  }

  /** Creates a payload file. @param path below `data/` @throws as `pathOf` */
  openFile(path: string): BagFile {
    const whole = this.pathOf(path);
    const explain = (failure: unknown) => this.#explain(failure);
    const file = this.#call(() => new BagFile(whole, (sum) => this.know(path, sum), explain));
    this.#files.push(file);
    return file;
  }

  /** Writes a small payload file. @param path below `data/` @throws as `pathOf` */
  async write(path: string, bytes: Uint8Array): Promise<void> {
    const file = this.openFile(path);
    await file.write(bytes);
    await file.end();
  }

  /**
   * Completes the bag with its tag files, and puts it in its place.
   *
   * @param others further tag files
   * @throws DIMGX_TARGET_*, also when something else is in its place by now; DIMGX_ABORTED. `discard` is still to be
   *   called then
   */
  async complete(facts: BagFacts, others: readonly TagFile[] = []): Promise<void> {
    const payload: PayloadFile[] = [];
    for (const [path, sum] of this.#payload) {
      payload.push({ path: `${PAYLOAD}/${path}`, ...(sum ?? (await this.#sumOf(path))) });
    }
    throwIfAborted(this.#signal);
    this.#call(() => {
      for (const { name, bytes } of makeTagFiles(payload, facts, others)) {
        writeFileSync(join(this.#temporary.path, name), bytes, { flag: 'wx' });
      }
    });
    this.#takePlace();
    this.#release();
    await this.#temporary.close();
  }

  /** Removes the bag, which has failed. */
  async discard(): Promise<void> {
    this.#remove();
    await Promise.all(this.#files.map((file) => file.discard()));
    this.#remove(); // a file may have been created meanwhile
    this.#release();
    await this.#temporary.close();
  }

  /** Does not replace anything but an empty directory. */
  #takePlace(): void {
    const { name, path } = this.#place;
    try {
      renameSync(this.#temporary.path, path);
    } catch (failure) {
      const isTaken = isSystemError(failure, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EBUSY');
      throw isTaken ? refused(name, 'is taken by now', failure) : this.#explain(failure);
    }
  }

  get #payloadFolder(): string {
    return join(this.#temporary.path, PAYLOAD);
  }

  /** Makes a folder below `data/`. If the bag itself is not there any more, it is not made anew. */
  #makeFolder(path: string): void {
    if (this.#folders.has(path)) return;
    this.#makeFolder(dirname(path));
    mkdirSync(join(this.#payloadFolder, path));
    this.#folders.add(path);
  }

  async #sumOf(path: string): Promise<FileSum> {
    const fd = this.#call(() => openSync(join(this.#payloadFolder, path), 'r'));
    try {
      const stats = fstatSync(fd, { bigint: true });
      const [digest] = await hashFile(fd, stats, ['sha256'], () => throwIfAborted(this.#signal));
      return { size: Number(stats.size), sha256: (digest as Buffer).toString('hex') };
    } catch (failure) {
      throw this.#explain(failure);
    } finally {
      closeSync(fd);
    }
  }

  readonly #remove = (): void => {
    try {
      this.#temporary.remove();
    } catch {
      // Ignored if it cannot be removed: there already is an error or a signal to report.
    }
  };

  #call<T>(work: () => T): T {
    try {
      return work();
    } catch (failure) {
      throw this.#explain(failure);
    }
  }

  #explain(failure: unknown): DimgxError {
    throwIfAborted(this.#signal);
    const { name } = this.#place;
    return unwritable(name, failure, pathData(name));
  }
}
