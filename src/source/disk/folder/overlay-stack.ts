import type { ByteName } from '../../../base/io/open-folder.js';
import { quoted } from '../../../base/text/printable.js';
import { DimgxError } from '../../../errors.js';
import { TYPE } from '../../../tar/header.js';
import type { DiskEntry } from './disk-entry.js';
import { hasWhiteoutFiles, OPAQUE, WHITEOUT } from './folder-form.js';
import { type BytePath, joined, type LayerFolder } from './layer-folder.js';

/** A path in one of the layers. */
export interface LayerPath {
  /** Number of the layer: 0 for the newest. */
  readonly layer: number;
  readonly path: BytePath;
}

/** The same folder in several layers, the newest first. What is in it is merged. */
export type MergedFolder = readonly LayerPath[];

/** What one of the layers has. */
export interface PlacedEntry extends LayerPath {
  readonly entry: DiskEntry;
  /** If it is a folder: where what is in it comes from. */
  readonly folders: MergedFolder;
}

/**
 * Layers on top of each other, as overlayfs sees them: a name in a newer layer hides those below it, except that
 * folders are merged. Source: Linux, fs/overlayfs/namei.c, ovl_lookup.
 */
export class OverlayStack {
  readonly layers: readonly LayerFolder[];

  /** @param layers the newest first */
  constructor(layers: readonly LayerFolder[]) {
    this.layers = layers;
  }

  get root(): MergedFolder {
    return this.layers.map((_, layer) => ({ layer, path: '' }));
  }

  /** What a merged folder shows, in the order of the bytes of names. @throws what `LayerFolder` throws */
  async entries(folders: MergedFolder): Promise<readonly PlacedEntry[]> {
    const names = new Set<ByteName>();
    for (const { layer, path } of folders) {
      for (const { name } of await this.#layer(layer).entries(path)) names.add(name);
    }
    const shown: PlacedEntry[] = [];
    for (const name of [...names].sort((a, b) => (a < b ? -1 : 1))) {
      if (this.#isMarkName(name)) continue;
      const found = await this.find(folders, name);
      if (found) shown.push(found);
    }
    return shown;
  }

  /** What a merged folder shows by a name. @returns `undefined` for nothing @throws what `LayerFolder` throws */
  async find(folders: MergedFolder, name: ByteName): Promise<PlacedEntry | undefined> {
    let rest = folders.map(({ layer, path }): LayerPath => ({ layer, path: joined(path, name) }));
    const merged: LayerPath[] = [];
    let newest: { readonly place: LayerPath; readonly entry: DiskEntry } | undefined;
    for (let place = rest.shift(); place; place = rest.shift()) {
      const entry = await this.#look(place);
      if (entry === undefined) continue;
      if (entry === 'whiteout') break;
      if (newest && entry.type !== TYPE.directory) break;
      newest ??= { place, entry };
      if (entry.type !== TYPE.directory) break;
      merged.push(place);
      if (entry.isOpaque || (await this.#isOpaqueByFile(place))) break;
      if (entry.redirect !== undefined) rest = this.#redirected(place, rest, entry.redirect);
    }
    return newest && { ...newest.place, entry: newest.entry, folders: merged };
  }

  /**
   * Finds the contents of a file of which a layer has only the metadata.
   *
   * @param folders the folder that it is in
   * @throws DIMGX_STORE_DAMAGED if no layer has them; what `LayerFolder` throws
   */
  async contentsOf(folders: MergedFolder, { entry, layer, path }: PlacedEntry): Promise<LayerPath> {
    let last: LayerPath = { layer, path };
    let { redirect } = entry;
    let rest = folders
      .filter((each) => each.layer > layer)
      .map((each): LayerPath => ({ layer: each.layer, path: joined(each.path, entry.name) }));
    if (redirect !== undefined) rest = this.#redirected(last, rest, redirect);
    for (let place = rest.shift(); place; place = rest.shift()) {
      const found = await this.#look(place);
      if (found === undefined) continue;
      if (found === 'whiteout' || found.type !== TYPE.file) break;
      if (!found.isMetacopy) {
        if (found.stats.size !== entry.stats.size) break;
        return place;
      }
      last = place;
      ({ redirect } = found);
      if (redirect !== undefined) rest = this.#redirected(last, rest, redirect);
    }
    const message = `the contents of ${quoted(Buffer.from(path, 'latin1'))} are in an older layer (overlayfs, metacopy), but no layer has them`;
    throw new DimgxError('DIMGX_STORE_DAMAGED', message);
  }

  /** Where older layers have what a newer one calls otherwise. */
  #redirected({ layer }: LayerPath, rest: readonly LayerPath[], redirect: ByteName): LayerPath[] {
    if (!redirect.startsWith('/')) {
      return rest.map((place) => ({ layer: place.layer, path: joined(parentOf(place.path), redirect) }));
    }
    const path = redirect.replace(/^\/+/, '');
    return this.layers.flatMap((_, older) => (older > layer ? [{ layer: older, path }] : []));
  }

  #layer(layer: number): LayerFolder {
    return this.layers[layer] as LayerFolder;
  }

  async #look({ layer, path }: LayerPath): Promise<DiskEntry | 'whiteout' | undefined> {
    if (path.split('/').some((name) => name === '' || name === '.' || name === '..')) return undefined;
    const folder = this.#layer(layer);
    const entry = await folder.entry(path);
    if (entry?.isWhiteout) return 'whiteout';
    if (!entry && hasWhiteoutFiles(folder.place.form)) {
      const whiteout = joined(parentOf(path), `${WHITEOUT}${path.slice(path.lastIndexOf('/') + 1)}`);
      if (await folder.entry(whiteout)) return 'whiteout';
    }
    return entry;
  }

  async #isOpaqueByFile({ layer, path }: LayerPath): Promise<boolean> {
    const folder = this.#layer(layer);
    return hasWhiteoutFiles(folder.place.form) && (await folder.entry(joined(path, OPAQUE))) !== undefined;
  }

  /** Whether a name can only be that of a mark. */
  #isMarkName(name: ByteName): boolean {
    return name.startsWith(WHITEOUT) && this.layers.some(({ place }) => hasWhiteoutFiles(place.form));
  }
}

function parentOf(path: BytePath): BytePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
