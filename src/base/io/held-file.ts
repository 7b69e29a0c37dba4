import { fstat } from 'node:fs';
import { promisify } from 'node:util';
import { DimgxError, imageClosed } from '../../errors.js';
import type { RegionFile } from './region.js';

/** Base class of region files: counts holds, and closes the file when the last one is released. */
export abstract class HeldFile implements RegionFile {
  #holds = 0;
  #isSealed = false;
  readonly #listeners = new Set<() => void>();
  #closing: Promise<void> | undefined;
  #onRest: (() => void) | undefined;

  /** @returns the descriptor, synchronously if the file is open */
  protected abstract descriptor(): number | Promise<number>;
  /** Called when the last hold is released. */
  protected abstract rest(): void;
  /** Called once, when there are no holds. */
  protected abstract shutForGood(): Promise<void> | void;
  abstract requireUnchanged(): Promise<void>;

  hold(): number | Promise<number> {
    if (this.#isSealed) throw imageClosed();
    this.#holds++;
    const descriptor = this.descriptor();
    if (typeof descriptor === 'number') return descriptor;
    return descriptor.catch((failure) => {
      this.release();
      throw failure;
    });
  }

  release(): void {
    if (--this.#holds > 0) return;
    this.rest();
    this.#onRest?.();
  }

  protected get isHeld(): boolean {
    return this.#holds > 0;
  }

  seal(): void {
    if (this.#isSealed) return;
    this.#isSealed = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  onSeal(listener: () => void): () => void {
    if (this.#isSealed) listener();
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.seal();
    if (this.#holds > 0) {
      await new Promise<void>((resolve) => {
        this.#onRest = resolve;
      });
    }
    await this.shutForGood();
  }
}

const statDescriptor = promisify(fstat);

interface DescriptorFileOptions {
  readonly fd: number;
  /** Default: the descriptor stays open, like that of standard input. */
  readonly close?: () => Promise<void>;
  /** Time of the last write, in nanoseconds since 1970. Default: no other process can write the file. */
  readonly modified?: bigint;
}

/** A file without a path. It cannot be reopened, so it stays open until it is closed. */
export class DescriptorFile extends HeldFile {
  readonly #options: DescriptorFileOptions;

  constructor(options: DescriptorFileOptions) {
    super();
    this.#options = options;
  }

  /** The descriptor, for writers. */
  get fd(): number {
    return this.#options.fd;
  }

  async requireUnchanged(): Promise<void> {
    const { modified } = this.#options;
    if (modified === undefined) return;
    const fd = await this.hold();
    try {
      if ((await statDescriptor(fd, { bigint: true })).mtimeNs === modified) return;
    } finally {
      this.release();
    }
    throw new DimgxError('DIMGX_SOURCE_CHANGED', 'the source was written to while it was read: try again');
  }

  protected override descriptor(): number {
    return this.#options.fd;
  }

  protected override rest(): void {}

  protected override shutForGood(): Promise<void> | undefined {
    return this.#options.close?.();
  }
}
