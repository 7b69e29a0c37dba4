import { fstat } from 'node:fs';
import { promisify } from 'node:util';
import { DimgxError } from '../../errors.js';
import { HeldFile } from './held-file.js';

const statDescriptor = promisify(fstat);

export interface DescriptorFileOptions {
  readonly fd: number;
  /** Default: the descriptor stays open, as that of standard input. */
  readonly close?: () => Promise<void>;
  /** When the file was last written, in nanoseconds since 1970. Default: nobody else can write it. */
  readonly modified?: bigint;
}

/** A file that cannot be opened again, because it has no name: it stays open until it is closed. */
export class DescriptorFile extends HeldFile {
  readonly #options: DescriptorFileOptions;

  constructor(options: DescriptorFileOptions) {
    super();
    this.#options = options;
  }

  /** Of the descriptor, for those who write to it. */
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
