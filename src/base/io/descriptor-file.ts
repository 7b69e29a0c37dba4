import { fstat } from 'node:fs';
import { promisify } from 'node:util';
import { DimgxError } from '../../errors.js';
import { HeldFile } from './held-file.js';

const statDescriptor = promisify(fstat);

export interface DescriptorFileOptions {
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
    throw new DimgxError('DIMGX_EXTRACT_CHANGED', 'the source was written to while it was read: try again');
  }

  protected override descriptor(): number {
    return this.#options.fd;
  }

  protected override rest(): void {}

  protected override shutForGood(): Promise<void> | undefined {
    return this.#options.close?.();
  }
}
