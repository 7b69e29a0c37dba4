import type { Appender } from '../../base/io/appender.js';
import { pathOf } from '../../base/io/rebuilt-file.js';
import type { Rebuilding, RebuiltRegion } from '../../base/io/rebuilt-region.js';
import { pathData, quoted } from '../../base/text/printable.js';
import { DimgxError, type Warn } from '../../errors.js';
import type { WatchArrivals } from '../../image/arrivals.js';
import type { OpenContext } from '../../image/image.js';
import type { Layer, StoredLayer } from '../../image/layer.js';
import { describeFolder } from './folder/describe-folder.js';
import { changedFiles } from './rebuild/changed-files.js';
import { type RebuiltLayer, rebuildLayer } from './rebuild/rebuild-layer.js';
import type { FolderLayerPlace, StoreLayer } from './store.js';
import type { StoreFiles } from './store-files.js';

/** What is done about what is odd. */
interface StoreLayersOptions {
  readonly warn: Warn;
  /** Leave out files that were changed. Default: the first one is an error. */
  readonly keepGoing?: boolean | undefined;
}

/** The layers of an image or a container in an engine's storage. */
export class StoreLayers {
  readonly #files: StoreFiles;
  readonly #places: ReadonlyMap<Layer, StoreLayer | FolderLayerPlace>;
  readonly #warn: Warn;
  readonly #leftOut: DimgxError[] | undefined;
  readonly #context: OpenContext;
  readonly #rebuilt = new Map<Layer, StoredLayer>();

  constructor(
    files: StoreFiles,
    places: ReadonlyMap<Layer, StoreLayer | FolderLayerPlace>,
    { warn, keepGoing = false }: StoreLayersOptions,
    context: OpenContext,
  ) {
    this.#files = files;
    this.#places = places;
    this.#warn = warn;
    this.#leftOut = keepGoing ? [] : undefined;
    this.#context = context;
  }

  /** Why files were left out of the layers that were fetched; `undefined` if that is not asked for. */
  get leftOut(): readonly DimgxError[] | undefined {
    return this.#leftOut;
  }

  /**
   * Makes layers readable by position: reads their tar-split documents, or the names and attributes of their files; but
   * no contents.
   *
   * @param watch its `ready` gets each layer as soon as the layer can be read
   * @throws DIMGX_STORE_DAMAGED, DIMGX_SOURCE_UNSUPPORTED, DIMGX_SOURCE_UNREADABLE, DIMGX_SOURCE_NO_SPACE,
   *   DIMGX_LIMIT_*, DIMGX_TAR_*, DIMGX_ABORTED
   */
  async fetch(wanted: readonly Layer[], watch?: Pick<WatchArrivals, 'ready'>): Promise<readonly StoredLayer[]> {
    if (wanted.length === 0) return [];
    await this.#files.append(this.#context.tmpDir, async (spool) => {
      for (const layer of wanted) {
        if (this.#rebuilt.has(layer)) continue;
        const stored = await this.#open(layer, spool);
        this.#rebuilt.set(layer, stored);
        await spool.flush();
        watch?.ready(stored);
      }
    });
    return wanted.map((layer) => this.#rebuilt.get(layer) as StoredLayer);
  }

  async #open(layer: Layer, spool: Appender): Promise<StoredLayer> {
    const place = this.#places.get(layer) as StoreLayer | FolderLayerPlace;
    const opening = 'tarSplit' in place ? this.#rebuild(layer, place, spool) : this.#describe(layer, place, spool);
    return opening.catch((failure: unknown) => {
      if (!(failure instanceof DimgxError) || failure.code === 'DIMGX_ABORTED') throw failure;
      throw failure.retold(`layer ${layer.name}: ${failure.message}`, { layer: layer.name });
    });
  }

  async #rebuild(layer: Layer, { folder, tarSplit }: StoreLayer, spool: Appender): Promise<StoredLayer> {
    const { limits, signal } = this.#context;
    const rebuild = (without?: ReadonlySet<number>) => {
      const document = this.#files.pieces(tarSplit);
      if (!document) throw withoutTarSplit(tarSplit);
      return rebuildLayer(document, spool, { limits, signal, without });
    };
    const whole = await rebuild();
    const stored = this.#stored(layer, whole, { folder, links: 'inside' });
    const changed = this.#leftOut ? changedFiles(stored.blob.rebuilding, signal) : [];
    if (changed.length > 0) {
      const rest = await rebuild(new Set(changed.map(({ file }) => file)));
      for (const { failure } of changed) this.#leaveOut(layer, failure);
      for (const name of rest.lostLinks) this.#leaveOut(layer, lostLink(name));
      return unverified(this.#stored(layer, rest, { folder, links: 'inside' }));
    }
    if (whole.unlike === undefined) return stored;
    const message = `layer ${layer.name} cannot be verified: ${whole.unlike}`;
    this.#warn({ code: 'DIMGX_SOURCE_UNVERIFIED', message, count: 1 });
    return unverified(stored);
  }

  #leaveOut({ name }: Layer, failure: DimgxError): void {
    const told = failure.retold(`layer ${name}: ${failure.message}`, { layer: name });
    this.#leftOut?.push(told);
    this.#warn({ code: 'DIMGX_STORE_FILE_LEFT_OUT', message: told.message, count: 1 });
  }

  /** The paths of the files of such a layer begin at the folder of the store: some may be in the layers below. */
  async #describe(layer: Layer, place: FolderLayerPlace, spool: Appender): Promise<StoredLayer> {
    const described = await describeFolder(this.#files.root, place, spool, layer.name, this.#warn, this.#context);
    const lacking = place.isLive ? new Uint32Array(new SharedArrayBuffer(8)) : undefined;
    if (lacking) this.#context.resources.adopt(async () => this.#tellLacking(layer, described, lacking));
    return this.#stored(layer, described, { folder: '', links: 'none', ...(lacking && { lacking }) });
  }

  #stored(
    layer: Layer,
    { pieces, offset, length }: RebuiltLayer,
    how: Omit<Rebuilding, 'pieces' | 'root'>,
  ): RebuiltStored {
    const rebuilding = { pieces, root: this.#files.root, ...how };
    const blob = { file: this.#files, offset, length, rebuilding };
    return { ...layer, blob, compression: 'none', storedSize: length };
  }

  #tellLacking({ name }: Layer, { pieces }: RebuiltLayer, lacking: Uint32Array): void {
    const [count = 0, first = 0] = lacking;
    if (count === 0) return;
    const message = `layer ${name}: files became shorter or vanished while they were read, and zeros stand for what they lacked: ${quoted(pathOf(pieces, first - 1))}`;
    this.#warn({ code: 'DIMGX_CONTAINER_CHANGED', message, count });
  }
}

type RebuiltStored = StoredLayer & { readonly blob: RebuiltRegion };

function unverified({ diffId: _, ...layer }: StoredLayer): StoredLayer {
  return layer;
}

function lostLink(name: Uint8Array): DimgxError {
  const message = `the file ${quoted(name)} is a hard link to a file that is left out`;
  return new DimgxError('DIMGX_STORE_FILE_CHANGED', message, pathData(name));
}

function withoutTarSplit(path: string): DimgxError {
  const message = `the layer cannot be rebuilt exactly: ${quoted(path)}, the engine's record of it (tar-split), is missing; save the image with the engine`;
  return new DimgxError('DIMGX_STORE_DAMAGED', message);
}
