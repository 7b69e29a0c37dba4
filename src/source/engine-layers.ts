import { printable } from '../base/text/printable.js';
import type { Engine } from '../engine/engine.js';
import { throwIfAborted } from '../errors.js';
import type { WatchArrivals } from '../image/arrivals.js';
import type { ImageDocuments, OpenContext } from '../image/image.js';
import type { Layer, StoredLayer } from '../image/layer.js';
import type { Digest } from '../reference/digest.js';
import { inStorage } from './engine-storage.js';

/** As `OpenedImage.fetch`. */
type Fetch = (wanted: readonly Layer[], watch?: WatchArrivals) => Promise<readonly StoredLayer[]>;

interface EngineLayersOptions {
  /** The ID of the image, the diff IDs of its layers and the layers, oldest first. */
  readonly image: { readonly id: string; readonly diffIds: readonly Digest[]; readonly layers: readonly Layer[] };
  /** Whether layers may be read from the engine's storage. The user may forbid it, too. */
  readonly mayUseStorage: boolean;
  /** Has the engine save layers. */
  readonly save: Fetch;
  readonly inform: (message: string) => void;
  /** Receives what the engine's storage has of the image's documents. */
  readonly onDocuments: (documents: ImageDocuments) => void;
  readonly context: OpenContext;
}

/**
 * Fetches layers of an engine's image: from the engine's storage if this process can read it, since an engine takes up
 * to a minute to save what lies on the disk beside. Such layers are used only once they match their diff IDs. On any
 * doubt the engine saves them, once for all.
 */
export function engineLayers(engine: Engine, options: EngineLayersOptions): Fetch {
  const { save, inform, context } = options;
  let isSaving = false;
  const saveBecause = (reason: string) => {
    if (!isSaving) inform(`the engine saves the image: ${reason}`);
    isSaving = true;
  };
  return async (wanted, watch) => {
    const stored = isSaving || wanted.length === 0 ? undefined : await fromStorage(engine, options, wanted, watch);
    if (stored === undefined) return save(wanted, watch);
    if (typeof stored === 'string') {
      saveBecause(stored);
      return save(wanted, watch);
    }
    let saved: ReturnType<Fetch> | undefined;
    return stored.map((layer, i) => ({
      ...layer,
      async otherwise(failure) {
        throwIfAborted(context.signal);
        saveBecause(failure.message);
        saved ??= save(wanted);
        return (await saved)[i] as StoredLayer;
      },
    }));
  };
}

/** @returns why the layers cannot be read there; `undefined` if they are not to be */
async function fromStorage(
  engine: Engine,
  { image, mayUseStorage, inform, onDocuments, context }: EngineLayersOptions,
  wanted: readonly Layer[],
  watch: WatchArrivals | undefined,
): Promise<readonly StoredLayer[] | string | undefined> {
  if (!mayUseStorage) return undefined;
  return await inStorage(engine, context.signal, async (folder) => {
    const { layersInStore } = await import('./disk/layers-in-store.js');
    const { config, fetch } = await layersInStore(folder, image, context);
    onDocuments({ config });
    const layers = await fetch(wanted, watch);
    inform(`the layers are read from ${printable(folder, 300)}, the engine's storage`);
    return layers;
  });
}
