import { type BigIntStats, closeSync, constants, fstat, lstat, open } from 'node:fs';
import { promisify } from 'node:util';
import { DimgxError, isSystemError } from '../../errors.js';
import { printable } from '../text/printable.js';
import { HeldFile } from './held-file.js';
import { orTooManyFiles } from './open-file-limit.js';
import { openFiles, type Shuttable } from './open-file-table.js';

const openDescriptor = promisify(open);
const statDescriptor = promisify(fstat);
const statPath = promisify(lstat);

const READ_ONLY = constants.O_RDONLY | constants.O_NONBLOCK;

/** Identifies a file when it is reopened. Without `mtimeNs`, its times may change. */
export type FileIdentity = Pick<BigIntStats, 'dev' | 'ino' | 'size'> & { readonly mtimeNs?: bigint };

export interface PathFileOptions {
  /** Absolute, because the file may be reopened later. */
  readonly path: string;
  /** Identity of the file when it was first opened. */
  readonly identity: FileIdentity;
  /** Whether the last path component may be a symlink. Default false. */
  readonly isLink?: boolean;
  /**
   * Whether others may remove the file while it is needed. It is then kept open as long as the system allows. Default
   * false.
   */
  readonly isPrecious?: boolean;
}

/**
 * A file with a path. It is opened when it is read and may be closed in between: the whole process keeps only a few
 * such files open. When reopened, it must be the same file, and unchanged.
 */
export class PathFile extends HeldFile implements Shuttable {
  readonly isPrecious: boolean;
  #path: string;
  readonly #identity: FileIdentity;
  readonly #isLink: boolean;
  #descriptor: number | undefined;
  #opening: Promise<number> | undefined;
  #isKept = false;

  /** @param descriptor descriptor of the file, if it is already open */
  constructor({ path, identity, isLink = false, isPrecious = false }: PathFileOptions, descriptor?: number) {
    super();
    this.#path = path;
    this.#identity = identity;
    this.#isLink = isLink;
    this.isPrecious = isPrecious;
    if (descriptor === undefined) return;
    this.#descriptor = descriptor;
    if (!isPrecious) openFiles.count();
    openFiles.rest(this);
  }

  /** Keeps the file open until `moveTo`, because its path must not be opened again. */
  keep(): void {
    if (this.#descriptor === undefined || this.#isKept) return;
    this.#isKept = true;
    openFiles.free(this);
  }

  /** Sets the new path of the file. */
  moveTo(path: string): void {
    this.#path = path;
    if (!this.#isKept) return;
    this.#isKept = false;
    if (this.#descriptor === undefined) return;
    if (!this.isPrecious) openFiles.count();
    if (!this.isHeld) openFiles.rest(this);
  }

  shut(): void {
    if (this.#descriptor === undefined) return;
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (!this.#isKept) openFiles.free(this);
    closeSync(descriptor);
  }

  async requireUnchanged(): Promise<void> {
    const isOpen = this.#descriptor !== undefined;
    const descriptor = isOpen ? await this.hold() : undefined;
    try {
      if (descriptor !== undefined) this.#compare(await statDescriptor(descriptor, { bigint: true }));
      else if (!this.#isLink) this.#compare(await statPath(this.#path, { bigint: true }));
      else await this.#reopen();
    } catch (failure) {
      throw this.#explain(failure);
    } finally {
      if (isOpen) this.release();
    }
  }

  protected override descriptor(): number | Promise<number> {
    if (this.#descriptor === undefined) return this.#open();
    if (!this.#isKept) openFiles.use(this);
    return this.#descriptor;
  }

  protected override rest(): void {
    if (this.#descriptor !== undefined && !this.#isKept) openFiles.rest(this);
  }

  protected override shutForGood(): void {
    this.shut();
  }

  #open(): Promise<number> {
    this.#opening ??= this.#openOnce().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openOnce(): Promise<number> {
    if (!this.isPrecious) await openFiles.reserve();
    try {
      this.#descriptor = await this.#openSame();
      return this.#descriptor;
    } catch (failure) {
      openFiles.free(this);
      throw this.#explain(failure);
    }
  }

  async #openSame(): Promise<number> {
    const flags = this.#isLink ? READ_ONLY : READ_ONLY | constants.O_NOFOLLOW;
    const descriptor = await openFiles.makeRoomFor(() => openDescriptor(this.#path, flags));
    try {
      this.#compare(await statDescriptor(descriptor, { bigint: true }));
      return descriptor;
    } catch (failure) {
      closeSync(descriptor);
      throw failure;
    }
  }

  async #reopen(): Promise<void> {
    await this.hold();
    this.release();
  }

  #compare({ dev, ino, size, mtimeNs }: BigIntStats): void {
    const known = this.#identity;
    const isUnwritten = mtimeNs === (known.mtimeNs ?? mtimeNs);
    if (dev === known.dev && ino === known.ino && size === known.size && isUnwritten) return;
    throw new DimgxError('DIMGX_SOURCE_CHANGED', 'the source was written to while it was read: try again');
  }

  #explain(failure: unknown): unknown {
    if (failure instanceof DimgxError) return failure;
    const path = printable(this.#path, 300);
    if (isSystemError(failure, 'ENOENT', 'ENOTDIR', 'ELOOP')) {
      return new DimgxError('DIMGX_SOURCE_CHANGED', `${path} was removed while it was read: try again`);
    }
    const reason = failure instanceof Error ? failure.message : String(failure);
    const message = `the source cannot be read: ${printable(reason, 300)}`;
    return orTooManyFiles(failure, new DimgxError('DIMGX_SOURCE_UNREADABLE', message, { cause: failure }));
  }
}
