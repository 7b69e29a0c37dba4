import type { Readable } from 'node:stream';
import { checkOptions } from './check-options.js';
import { DimgxError } from './errors.js';
import { FactsOfEntry } from './evidence/facts-of-entry.js';
import { findPath } from './evidence/find-path.js';
import { indexedContents, indexedEntry } from './evidence/indexed-entry.js';
import { type ListPathsOptions, listPaths } from './evidence/list-paths.js';
import { hiddenPath, noSuchPath, notFile } from './evidence/missing-path.js';
import { type PathEvent, pathHistory } from './evidence/path-history.js';
import { hasHidden, literalPath, versionsAt } from './evidence/path-versions.js';
import type { RecordedEntry } from './evidence/recorded-entry.js';
import { Versions } from './evidence/versions.js';
import { readContents, watchEntry } from './extract/read-entry.js';
import type { Image } from './image/image.js';
import type { Layer } from './image/layer.js';
import { selectLayers } from './image/select-layers.js';
import { inspectLayers } from './inspect/inspect-layers.js';
import { isFetched } from './inspect/known-layers.js';
import { type IndexedLayer, indexedLayers, type LayerIndex } from './layer/layer-index.js';
import { mergeLayers } from './merge/merge-layers.js';
import type { MergedTree } from './merge/merged-tree.js';
import { KIND, NONE } from './merge/node.js';
import type { InspectOptions, MergeOptions, OpenOptions, SelectOptions } from './options.js';
import { openImage } from './source/resolve.js';
import { TYPE } from './tar/header.js';
import { SLASH } from './tar/path.js';

export interface TreeOptions
  extends OpenOptions,
    SelectOptions,
    InspectOptions,
    Pick<MergeOptions, 'excludeDevices' | 'paths'> {}

/**
 * Opens the tree of an image, with everything that is hidden in it. Only headers are read.
 *
 * @throws as `openImage`, `selectLayers`, `inspectLayers` and `mergeLayers`
 */
export async function openTree(reference: string, options: TreeOptions = {}): Promise<ImageTree> {
  checkOptions(options);
  const image = await openImage(reference, options);
  try {
    const select = selectLayers(image, options, options.onWarning);
    return new ImageTree(image, await inspectTree(image, select, options), options);
  } catch (failure) {
    await image.close();
    throw failure;
  }
}

/** Reads the headers of layers. They are verified only if the caller says so, because that takes reading them whole. */
export async function inspectTree(
  image: Image,
  select: readonly Layer[],
  options: TreeOptions,
): Promise<readonly LayerIndex[]> {
  const verify = options.verify ?? false;
  const layers = await inspectLayers(image, { ...options, verify, headersOnly: !verify, select });
  if (verify) await Promise.all(layers.map(({ verified }) => verified));
  return layers;
}

/** The tree that layers of an image make, and every version that they hide. Close it when it is no longer used. */
export class ImageTree {
  readonly image: Image;
  readonly #options: TreeOptions;
  readonly #versions: Versions;
  /** Layers that contents were read from. */
  readonly #read = new Map<Layer, Promise<IndexedLayer>>();

  /** @param layers as `inspectLayers` returns them, of that image */
  constructor(image: Image, layers: readonly LayerIndex[], options: TreeOptions) {
    this.image = image;
    this.#options = options;
    this.#versions = new Versions(mergeLayers(layers, { ...options, explain: true }));
  }

  /**
   * Lists versions, in the order of the flat tar. Nothing is read: no attributes, and no hashes.
   *
   * @param paths of files, directories or, with `*`, `?` or `[`, patterns; none stands for the root
   * @throws DIMGX_PATH_NOT_FOUND, DIMGX_PATH_HIDDEN, DIMGX_PATH_LOOP, DIMGX_OPTION_INVALID for a bad pattern
   */
  *list(paths: readonly Uint8Array[] = [], options: ListPathsOptions = {}): Generator<RecordedEntry, void, void> {
    for (const node of listPaths(this.#versions, paths, options)) {
      yield indexedEntry(this.#versions, node);
    }
  }

  /**
   * Tells what each layer did to a path, oldest first. Contents are compared.
   *
   * @param path what ever was at the path as it is written, or else, once symlinks are followed
   * @throws DIMGX_PATH_NOT_FOUND, DIMGX_PATH_LOOP, and as the stream of `extractLayers`
   */
  history(path: Uint8Array): AsyncGenerator<PathEvent, void, void> {
    const { signal, tmpDir } = this.#options;
    const read = async (layer: IndexedLayer, entry: number, needsHash: boolean) => {
      const facts = new FactsOfEntry(needsHash);
      await watchEntry(await this.#readable(layer, this.#options.verify ?? false), entry, facts, { signal, tmpDir });
      return facts;
    };
    return pathHistory(this.#versions, this.#everAt(path), read);
  }

  /**
   * Opens the contents of a file. The stream fails, as that of `extractLayers`, if the layer turns out to be damaged.
   *
   * @param path symlinks are followed inside the root, also the last one
   * @throws DIMGX_PATH_NOT_FOUND, DIMGX_PATH_HIDDEN, DIMGX_PATH_LOOP, DIMGX_PATH_NOT_FILE, and as `inspectLayers`
   */
  async read(path: Uint8Array): Promise<Readable> {
    const { merged, inode } = this.#fileAt(this.#versions, path) ?? (await this.#linkedFile(path));
    return this.#open(merged, inode);
  }

  /**
   * Opens the contents of a file by its inode number, as records and listings have it: also one that is hidden.
   *
   * @throws DIMGX_PATH_NOT_FOUND, DIMGX_PATH_NOT_FILE, and as `inspectLayers`
   */
  async readInode(number: number): Promise<Readable> {
    const { merged } = this.#versions;
    const node = number - 1;
    const inode = Number.isInteger(node) && node > 0 && node < merged.tree.length ? merged.tree.inode(node) : NONE;
    if (inode === NONE || this.#versions.inode(node) !== number) {
      throw new DimgxError('DIMGX_PATH_NOT_FOUND', `no file of the image has the inode ${number}`);
    }
    const { type } = indexedContents(merged, inode);
    if (type !== 'file') throw notFile(Buffer.from(`inode ${number}`), type);
    return this.#open(merged, inode);
  }

  close(): Promise<void> {
    return this.image.close();
  }

  async #open({ tree, layers }: MergedTree, inode: number): Promise<Readable> {
    const { signal, tmpDir, verify = true } = this.#options;
    const layer = layers[tree.inodes.contentLayer.get(inode)] as IndexedLayer;
    return readContents(await this.#readable(layer, verify), tree.inodes.contentEntry.get(inode), { signal, tmpDir });
  }

  /** The path whose history is asked for. @throws DIMGX_PATH_NOT_FOUND */
  #everAt(path: Uint8Array): Uint8Array {
    const { resolved } = findPath(this.#versions.merged, path, path.at(-1) === SLASH);
    const found = [literalPath(path), resolved].find((each) => versionsAt(this.#versions, each).length > 0);
    if (!found) throw noSuchPath(this.#versions, path, resolved);
    return found;
  }

  /** @returns `undefined` if there is no such path, and never was */
  #fileAt(versions: Versions, path: Uint8Array): FoundFile | undefined {
    const { merged } = versions;
    const { node, resolved } = findPath(merged, path);
    if (node === NONE) {
      const once = [resolved, literalPath(path)].find((each) => hasHidden(versions, each));
      if (once === undefined) return undefined;
      throw hiddenPath(versions, path, once);
    }
    const inode = merged.tree.inode(node);
    const isFile = merged.tree.kind(node) !== KIND.directory && indexedContents(merged, inode).type === 'file';
    if (!isFile) throw notFile(path, indexedEntry(versions, node).type);
    return { merged, inode };
  }

  /** The file that a hard link names, if its first name is in a layer that was not selected. */
  async #linkedFile(path: Uint8Array): Promise<FoundFile> {
    const { merged } = this.#versions;
    const { resolved } = findPath(merged, path);
    const newest = merged.layers.findLast(({ entries }) => {
      for (let i = 0; i < entries.length; i++) {
        if (entries.type(i) === TYPE.hardLink && Buffer.compare(entries.path(i), resolved) === 0) return true;
      }
      return false;
    });
    if (!newest) throw noSuchPath(this.#versions, path, resolved);
    const select = this.image.layers.slice(0, newest.place.position + 1).reverse();
    const layers = await inspectLayers(this.image, { ...this.#options, verify: false, headersOnly: true, select });
    const file = this.#fileAt(new Versions(mergeLayers(layers, { ...this.#options, explain: true })), resolved);
    if (!file) throw noSuchPath(this.#versions, path, resolved);
    return file;
  }

  /** A layer that contents can be read from. Only such layers are fetched, and verified. */
  async #readable(index: IndexedLayer, verify: boolean): Promise<IndexedLayer> {
    if (!verify && isFetched(index)) return index;
    const { layer } = index;
    const inspect = async () => {
      const [found] = indexedLayers(await inspectLayers(this.image, { ...this.#options, verify, select: [layer] }));
      return found as IndexedLayer;
    };
    const known = this.#read.get(layer) ?? inspect();
    this.#read.set(layer, known);
    return known;
  }
}

/** A file, and the tree that it is in. */
interface FoundFile {
  readonly merged: MergedTree;
  readonly inode: number;
}
