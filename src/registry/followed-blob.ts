import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { DescriptorFile } from '../base/io/held-file.js';
import { compressionOf, MAGIC_LENGTH } from '../compression/detect.js';
import type { Layer, LayerFile, LayerWatcher, WatchLayer } from '../image/image.js';

/** Where a layer is in a file, as it is stored. */
export interface FollowedPart {
  readonly fd: number;
  /** In bytes from the start of the file. */
  readonly start: number;
  /** In bytes. */
  readonly size: number;
}

/** Lets a layer be decoded while it is written to a file. An uncompressed layer is read afterwards instead. */
export class FollowedBlob {
  readonly #layer: Layer;
  readonly #file: LayerFile;
  readonly #watch: WatchLayer;
  #watcher: Promise<LayerWatcher | undefined> | undefined;

  /**
   * @param part a file that is being written to, and that may be closed once this returns
   * @returns `undefined` where the system cannot open a file a second time, or if there is no `watch`
   */
  static async open(
    { fd, start, size }: FollowedPart,
    layer: Layer,
    watch: WatchLayer | undefined,
  ): Promise<FollowedBlob | undefined> {
    if (!watch || process.platform !== 'linux') return undefined;
    const file = await open(`/proc/self/fd/${fd}`, constants.O_RDONLY).catch(() => undefined);
    if (!file) return undefined;
    const region = {
      file: new DescriptorFile({ fd: file.fd, close: () => file.close() }),
      offset: start,
      length: size,
    };
    return new FollowedBlob(layer, { region, close: () => region.file.close() }, watch);
  }

  private constructor(layer: Layer, file: LayerFile, watch: WatchLayer) {
    this.#layer = layer;
    this.#file = file;
    this.#watch = watch;
  }

  /** Reports that the first `length` bytes are written. */
  readonly grown = (length: number): void => {
    if (length < Math.min(MAGIC_LENGTH, this.#file.region.length)) return;
    this.#watcher ??= this.#begin();
    void this.#watcher.then((watcher) => watcher?.grown(length));
  };

  /** Reports that the whole layer is written. Resolves once the watcher has been started, if one is needed. */
  async finish(): Promise<void> {
    if (this.#watcher) await this.#watcher;
    else await this.#file.close();
  }

  /** Reports that the bytes written are not the layer. */
  async discard(): Promise<void> {
    await this.finish();
    (await this.#watcher)?.discard();
  }

  async #begin(): Promise<LayerWatcher | undefined> {
    const compression = await compressionOf(this.#file.region).catch(() => 'none' as const);
    if (compression !== 'none') return this.#watch(this.#layer, this.#file, compression);
    await this.#file.close();
    return undefined;
  }
}
