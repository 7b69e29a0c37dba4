import { isCodedTooMany } from '../../base/io/open-file-limit.js';
import { forEachStretch, RebuiltFiles, type RebuiltRegion, spoolOffset } from '../../base/io/rebuilt-region.js';
import { SpoolWindow } from '../../base/io/spool-window.js';
import { DimgxError } from '../../errors.js';
import type { LayerPart, LayerRange, LayerReader } from './layer-reader.js';
import type { RecentReaders } from './recent-readers.js';

/**
 * Number of bytes of a file, up to which reading them at once takes less time than a call in another thread. Most files
 * of an image are smaller.
 */
const SHORT = 256 * 1024;

/**
 * Reads a layer that is rebuilt from an engine's storage. Its files are opened one after another, in the order of the
 * output, and only those that the output needs.
 */
export class RebuiltReader implements LayerReader {
  readonly #region: RebuiltRegion;
  readonly #files: RebuiltFiles;
  readonly #spool = new SpoolWindow();
  readonly #spoolEnd: number;
  /** For errors. */
  readonly #layer: string;
  readonly #stopWatching: () => void;
  readonly #recent: RecentReaders;

  /** @param layer the name of the layer, for errors */
  constructor(region: RebuiltRegion, layer: string, recent: RecentReaders) {
    this.#recent = recent;
    this.#region = region;
    this.#spoolEnd = spoolOffset(region, region.length);
    this.#layer = layer;
    this.#files = new RebuiltFiles(region.rebuilding);
    this.#stopWatching = region.file.onSeal(() => this.#files.close());
  }

  read(parts: readonly LayerPart[]): Promise<void> | undefined {
    const later: Promise<void>[] = [];
    try {
      for (const { from, into } of parts) this.#fill(from, into, later);
    } catch (failure) {
      return Promise.allSettled(later).then(() => {
        throw this.#explain(failure);
      });
    }
    if (later.length === 0) return undefined;
    return Promise.all(later).then(
      () => undefined,
      async (failure: unknown) => {
        await Promise.allSettled(later);
        throw this.#explain(failure);
      },
    );
  }

  async readHeaders({ from, to }: LayerRange): Promise<Uint8Array> {
    const bytes = new Uint8Array(to - from);
    await this.read([{ from, into: bytes }]);
    return bytes;
  }

  async close(): Promise<void> {
    this.#stopWatching();
    this.#files.close();
  }

  #explain(failure: unknown): unknown {
    if (!(failure instanceof DimgxError) || failure.code === 'DIMGX_ABORTED') return failure;
    return failure.retold(`layer ${this.#layer}: ${failure.message}`, { layer: this.#layer });
  }

  /** Reads of a file. If too many are open, the others are closed first. */
  #withFiles<T>(read: (files: RebuiltFiles) => T): T {
    this.#recent.use(this.#files);
    try {
      return read(this.#files);
    } catch (failure) {
      if (!isCodedTooMany(failure)) throw failure;
      this.#recent.close();
      return read(this.#files);
    }
  }

  #fill(from: number, into: Uint8Array, later: Promise<void>[]): void {
    const region = this.#region;
    forEachStretch(region, from, into, (piece, at, part) => {
      if (piece === undefined) this.#held((fd) => this.#spool.read(fd, spoolOffset(region, at), part, this.#spoolEnd));
      else if (part.length <= SHORT) this.#held(() => this.#withFiles((files) => files.read(piece, at, part)));
      else later.push(this.#readLong(piece, at, part));
    });
  }

  async #readLong(piece: number, at: number, part: Uint8Array): Promise<void> {
    const { file } = this.#region;
    void file.hold(); // at once: the files are opened in the order of the reads
    try {
      await this.#withFiles((files) => files.readLater(piece, at, part));
    } finally {
      file.release();
    }
  }

  #held(read: (fd: number) => void | Promise<void>): void {
    const { file } = this.#region;
    const fd = file.hold();
    if (typeof fd !== 'number') throw new Error('the spool of a rebuilt layer is always open');
    try {
      void read(fd);
    } finally {
      file.release();
    }
  }
}
