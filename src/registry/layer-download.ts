import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { HttpFailure } from '../base/http/http-failure.js';
import { Appender, writeAllAt } from '../base/io/appender.js';
import { DescriptorFile } from '../base/io/held-file.js';
import type { BlobCache, CachedBlob, DownloadTarget } from '../cache/blob-cache.js';
import { MAGIC_LENGTH } from '../compression/codecs.js';
import { compressionOf } from '../compression/packed-region.js';
import type { LayerFile, LayerWatcher, WatchLayer } from '../image/arrivals.js';
import type { Layer } from '../image/layer.js';
import { type Digest, isMismatch } from '../reference/digest.js';
import { type BlobOrigin, downloadBlob, type WantedBlob } from './download-blob.js';
import type { Repository, ServingPlace, Sought } from './repository.js';

/** A layer named by a registry's manifest. */
export interface RegistryLayer extends Layer {
  readonly digest: Digest;
  readonly claimedSize: number;
}

interface LayerDownloadOptions {
  readonly repository: Repository;
  readonly cache: BlobCache;
  /** Where the layer is, if the registry does not have it. */
  readonly elsewhere: BlobOrigin | undefined;
  readonly watch: WatchLayer | undefined;
  /** Receives the number of bytes gained since the last call. Negative when bytes turn out to be useless. */
  readonly onBytes: (bytes: number) => void;
  /** Whether the layer is no longer wanted. */
  readonly isOver: () => boolean;
}

/** Downloads one layer into the cache, from the first place that has it. */
export class LayerDownload {
  readonly #layer: RegistryLayer;
  #blob: WantedBlob;
  readonly #sought: Sought;
  readonly #options: LayerDownloadOptions;
  /** The place that served it last. */
  #place: ServingPlace | undefined;
  #followed: FollowedBlob | undefined;
  /** Whether the bytes came from the cache, which verified them at some earlier time. */
  isOld = true;

  constructor(layer: RegistryLayer, options: LayerDownloadOptions) {
    const name = `layer ${layer.name}`;
    this.#layer = layer;
    this.#blob = { digest: layer.digest, size: layer.claimedSize, name };
    this.#sought = { what: name, by: 'digest', absent: 'DIMGX_SOURCE_MISSING_BLOB' };
    this.#options = options;
  }

  /**
   * Fetches the layer. A damaged download is repeated once, from another place if there is one.
   *
   * @returns the layer's stored bytes, verified against the digest
   * @throws DIMGX_REGISTRY_*, DIMGX_SOURCE_MISSING_BLOB, DIMGX_IMAGE_DIGEST_MISMATCH, DIMGX_IMAGE_SIZE_MISMATCH,
   *   DIMGX_SOURCE_NO_SPACE, DIMGX_ABORTED
   */
  async fetch(): Promise<CachedBlob> {
    try {
      return await this.#fetchOnce();
    } catch (failure) {
      if (!isMismatch(failure)) throw failure;
      this.#blob = { ...this.#blob, isDoubted: true };
      return await this.#fetchOnce();
    }
  }

  async #fetchOnce(): Promise<CachedBlob> {
    const { digest, size } = this.#blob;
    try {
      const blob = await this.#options.cache.fetch(digest, size, (target) => this.#download(target));
      await this.#followed?.finish();
      return blob;
    } catch (failure) {
      await this.#forget();
      throw failure;
    }
  }

  async #download({ fd, start, from }: DownloadTarget): Promise<void> {
    const { repository, watch, onBytes } = this.#options;
    repository.requireOnline(this.#sought);
    this.isOld = false;
    await this.#forget(); // the bytes that the cache found damaged
    this.#followed = await FollowedBlob.open({ fd, start, size: this.#blob.size }, this.#layer, watch);
    const write = async (bytes: Uint8Array, position: number) => {
      await writeAllAt(fd, bytes, start + position);
      this.#followed?.grown(position + bytes.length);
    };
    const blob = new Appender({ write, length: from, onAppended: (bytes) => this.#count(bytes) });
    onBytes(from);
    this.#followed?.grown(from);
    try {
      await this.#downloadTo(blob);
    } catch (failure) {
      onBytes(-blob.length);
      throw failure;
    }
  }

  #count(bytes: number): void {
    this.#options.onBytes(bytes);
    if (this.#options.isOver()) throw new HttpFailure('refused', 'the download of another layer failed');
  }

  async #downloadTo(file: Appender): Promise<void> {
    const { repository, elsewhere } = this.#options;
    if (!elsewhere) {
      await repository.atFirst(this.#sought, this.#place, async (place) => {
        this.#place = place;
        await downloadBlob(this.#blob, this.#originAt(place), file);
      });
      return;
    }
    try {
      await downloadBlob(this.#blob, elsewhere, file);
    } catch (failure) {
      throw await repository.own.explain(failure, this.#blob.name, 'the URL in its manifest');
    }
  }

  #originAt(place: ServingPlace): BlobOrigin {
    const { server } = place;
    return {
      http: server.http,
      attempts: server.attempts,
      open: (first) => this.#options.repository.openBlob(place, this.#blob, first),
      isPassing: (failure) => !this.#options.isOver() && server.isPassing(failure),
      wait: (attempt, failure) => server.wait(attempt, failure),
    };
  }

  async #forget(): Promise<void> {
    const followed = this.#followed;
    this.#followed = undefined;
    await followed?.discard();
  }
}

/** Where a layer is in a file, as it is stored. */
interface FollowedPart {
  readonly fd: number;
  /** In bytes from the start of the file. */
  readonly start: number;
  /** In bytes. */
  readonly size: number;
}

/** Lets a layer be decoded while it is written to a file. An uncompressed layer is read afterwards instead. */
class FollowedBlob {
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
