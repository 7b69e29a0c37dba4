import type { Appender } from '../../base/io/appender.js';
import { quoted } from '../../base/text/printable.js';
import { DimgxError, type Warn } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';
import type { Layer, StoredLayer } from '../../image/layer.js';
import { rebuildLayer } from './rebuild-layer.js';
import type { StoreLayer } from './store.js';
import type { StoreFiles } from './store-files.js';

/** The layers of an image in an engine's storage. */
export class StoreLayers {
  readonly #files: StoreFiles;
  readonly #places: ReadonlyMap<Layer, StoreLayer>;
  readonly #warn: Warn;
  readonly #context: OpenContext;
  readonly #rebuilt = new Map<Layer, StoredLayer>();
  #spool: Appender | undefined;
  /** Layers are rebuilt one after another, into one spool. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(files: StoreFiles, places: ReadonlyMap<Layer, StoreLayer>, warn: Warn, context: OpenContext) {
    this.#files = files;
    this.#places = places;
    this.#warn = warn;
    this.#context = context;
  }

  /**
   * Makes layers readable by position: reads their tar-split documents, but none of their files.
   *
   * @throws DIMGX_STORE_DAMAGED, DIMGX_SOURCE_UNSUPPORTED, DIMGX_SOURCE_NO_SPACE, DIMGX_LIMIT_*, DIMGX_TAR_*,
   *   DIMGX_ABORTED
   */
  fetch(wanted: readonly Layer[]): Promise<readonly StoredLayer[]> {
    const fetched = this.#last.then(() => this.#fetch(wanted));
    this.#last = fetched.catch(() => undefined);
    return fetched;
  }

  async #fetch(wanted: readonly Layer[]): Promise<readonly StoredLayer[]> {
    this.#spool ??= await this.#files.openSpool(this.#context.tmpDir);
    for (const layer of wanted) {
      if (!this.#rebuilt.has(layer)) this.#rebuilt.set(layer, await this.#rebuild(layer, this.#spool));
    }
    await this.#spool.flush();
    return wanted.map((layer) => this.#rebuilt.get(layer) as StoredLayer);
  }

  async #rebuild(layer: Layer, spool: Appender): Promise<StoredLayer> {
    const { folder, tarSplit } = this.#places.get(layer) as StoreLayer;
    const document = this.#files.pieces(tarSplit);
    if (!document) throw withoutTarSplit(layer, tarSplit);
    const { limits, signal } = this.#context;
    const rebuilt = await rebuildLayer(document, spool, { limits, signal }).catch((failure: unknown) => {
      if (!(failure instanceof DimgxError) || failure.code === 'DIMGX_ABORTED') throw failure;
      throw failure.retold(`layer ${layer.name}: ${failure.message}`, { layer: layer.name });
    });
    const { pieces, offset, length, lost } = rebuilt;
    const rebuilding = { pieces, root: this.#files.root, folder };
    const blob = { file: this.#files, offset, length, rebuilding };
    const stored: StoredLayer = { ...layer, blob, compression: 'none', storedSize: length };
    if (!lost) return stored;
    const message = `layer ${layer.name} cannot be verified: the engine has not kept the contents of the whiteout ${quoted(lost)}`;
    this.#warn({ code: 'DIMGX_SOURCE_UNVERIFIED', message, count: 1 });
    const { diffId: _, ...unverified } = stored;
    return unverified;
  }
}

function withoutTarSplit({ name }: Layer, path: string): DimgxError {
  const message = `layer ${name} cannot be rebuilt exactly: ${quoted(path)}, the engine's record of it (tar-split), is missing; save the image with the engine`;
  return new DimgxError('DIMGX_STORE_DAMAGED', message, { layer: name });
}
