import type { Appender } from '../../../base/io/appender.js';
import type { ByteName } from '../../../base/io/open-folder.js';
import { type Limits, tooLarge, tooManyEntries } from '../../../base/limits.js';
import { pathData, quoted } from '../../../base/text/printable.js';
import { DimgxError, throwIfAborted } from '../../../errors.js';
import { BLOCK, padded, TYPE } from '../../../tar/header.js';
import { encodeHeaders, type NewEntry } from '../../../tar/write-header.js';
import { PieceTable } from '../rebuild/piece-table.js';
import type { RebuiltLayer } from '../rebuild/rebuild-layer.js';
import { xattrsInside } from './capability.js';
import type { DiskEntry } from './disk-entry.js';
import { hasAttributes, hasWhiteoutFiles, OPAQUE, WHITEOUT } from './folder-form.js';
import type { FolderOddities } from './folder-oddities.js';
import type { IdMap } from './id-map.js';
import { type BytePath, joined } from './layer-folder.js';
import type { LayerPath, MergedFolder, OverlayStack, PlacedEntry } from './overlay-stack.js';

export interface FolderLayerOptions {
  readonly uids: IdMap;
  readonly gids: IdMap;
  /** Whether the folder is the whole tree: then the layer hides everything below it. */
  readonly isWhole: boolean;
  /** Whether somebody may be changing the folder meanwhile: what vanishes is left out then, and is an error otherwise. */
  readonly isLive: boolean;
  readonly oddities: FolderOddities;
  readonly limits: Limits;
  readonly signal?: AbortSignal | undefined;
}

/** Folders that are compared with older layers if nothing has a mark. */
const MOST_LOOKED_AT = 100;

/** For errors: what a layer is read from. */
const FILES = 'the files of the layer';

/**
 * Describes a folder as a tar: the changes that it makes to the layers below it, with whiteouts as OCI layers have them.
 * Headers are appended to a spool. Of the files, only attributes are read. Source: OCI image-spec, layer.md.
 *
 * @param stack the folder, and those below it, from which some of its contents may come
 * @throws DIMGX_STORE_DAMAGED, DIMGX_SOURCE_UNREADABLE, DIMGX_SOURCE_NO_SPACE, DIMGX_LIMIT_*, DIMGX_ABORTED
 */
export async function folderLayer(
  stack: OverlayStack,
  spool: Pick<Appender, 'append' | 'length'>,
  options: FolderLayerOptions,
): Promise<RebuiltLayer> {
  const offset = spool.length;
  const writer = new FolderWriter(stack, spool, options);
  await writer.write();
  return { offset, ...writer.finish() };
}

/** A folder whose entries have to be written. */
interface Pending {
  readonly path: BytePath;
  /** The folders that are merged in it: found when they are needed. */
  readonly folders: () => Promise<MergedFolder>;
  /** Whether it is made of all of them. Otherwise only what the newest layer has is written. */
  readonly isMoved: boolean;
  /** Whether it has been written that older layers are hidden here. */
  readonly isOpaque: boolean;
}

class FolderWriter {
  readonly #stack: OverlayStack;
  readonly #spool: Pick<Appender, 'append'>;
  readonly #options: FolderLayerOptions;
  readonly #table = new PieceTable();
  readonly #hasWhiteoutFiles: boolean;
  /** The first name of each inode that has several. */
  readonly #inodes = new Map<string, BytePath>();
  /** Folders without marks, as long as nothing has one. */
  #unmarked: BytePath[] | undefined = [];
  #position = 0;
  #entries = 0;

  constructor(stack: OverlayStack, spool: Pick<Appender, 'append'>, options: FolderLayerOptions) {
    this.#stack = stack;
    this.#spool = spool;
    this.#options = options;
    this.#hasWhiteoutFiles = hasWhiteoutFiles(this.#top.place.form);
  }

  async write(): Promise<void> {
    const root = await this.#top.entry('');
    if (root) await this.#header({ ...this.#metadata({ entry: root }), name: Buffer.from('./') });
    const isOpaque = this.#options.isWhole || (root?.isOpaque ?? false);
    if (isOpaque) await this.#marker('', OPAQUE);
    const pending: Pending[] = [{ path: '', folders: async () => this.#stack.root, isMoved: false, isOpaque }];
    for (let folder = pending.pop(); folder; folder = pending.pop()) {
      throwIfAborted(this.#options.signal);
      pending.push(...(await this.#folder(folder)).toReversed());
    }
    await this.#append(Buffer.alloc(2 * BLOCK));
    await this.#missMarks();
  }

  finish(): Omit<RebuiltLayer, 'offset'> {
    return { pieces: this.#table.finish(), length: this.#position, unlike: undefined, lostLinks: [] };
  }

  get #top() {
    const [top] = this.#stack.layers;
    if (!top) throw new Error('a stack has a layer');
    return top;
  }

  /** @returns the folders in it */
  async #folder({ path, folders, isMoved, isOpaque }: Pending): Promise<readonly Pending[]> {
    const inner: Pending[] = [];
    for (const placed of await this.#shown(path, folders, isMoved)) {
      const { entry } = placed;
      const whole = joined(path, entry.name);
      if (!isMoved) this.#watchMarks(whole, entry);
      if (entry.isWhiteout || (this.#hasWhiteoutFiles && entry.name === OPAQUE)) {
        const name = entry.name === OPAQUE ? OPAQUE : `${WHITEOUT}${entry.name}`;
        if (!isOpaque || name !== OPAQUE) await this.#marker(path, name);
      } else if (entry.type === 0) this.#options.oddities.add('socket', whole);
      else if (this.#isOrdinaryMark(entry.name)) this.#options.oddities.add('mark', whole);
      else if (entry.type === TYPE.directory) {
        await this.#header(this.#metadata(placed, `${whole}/`));
        const isRenamed = isMoved || entry.redirect !== undefined;
        const hides = isRenamed || entry.isOpaque;
        if (hides) await this.#marker(whole, OPAQUE);
        const below = later(() => this.#below(placed, folders, isMoved));
        inner.push({ path: whole, folders: below, isMoved: isRenamed, isOpaque: hides });
      } else await this.#file(whole, placed, folders);
    }
    return inner;
  }

  async #shown(path: BytePath, folders: Pending['folders'], isMoved: boolean): Promise<readonly PlacedEntry[]> {
    try {
      return isMoved ? await this.#stack.entries(await folders()) : await this.#own(path);
    } catch (failure) {
      if (!(failure instanceof DimgxError) || failure.code !== 'DIMGX_STORE_DAMAGED' || path === '') throw failure;
      this.#vanished(path, failure);
      return [];
    }
  }

  /** @throws the failure, unless somebody may be changing the folder */
  #vanished(path: BytePath, failure: unknown): void {
    if (!this.#options.isLive) throw failure;
    this.#options.oddities.add('vanished', path);
  }

  /** What the newest layer has in a folder, whatever lies below. */
  async #own(path: BytePath): Promise<readonly PlacedEntry[]> {
    const entries = await this.#top.entries(path);
    return entries.map((entry) => ({ entry, layer: 0, path: joined(path, entry.name), folders: [] }));
  }

  async #below(placed: PlacedEntry, folders: Pending['folders'], isMoved: boolean): Promise<MergedFolder> {
    if (isMoved) return placed.folders;
    return (await this.#stack.find(await folders(), placed.entry.name))?.folders ?? [];
  }

  #watchMarks(path: BytePath, { hasMarks, type }: DiskEntry): void {
    if (hasMarks) this.#unmarked = undefined;
    else if (type === TYPE.directory && (this.#unmarked?.length ?? MOST_LOOKED_AT) < MOST_LOOKED_AT)
      this.#unmarked?.push(path);
  }

  /**
   * overlayfs marks every folder that an older layer has, too: it is merged with that, or opaque. If such folders have no
   * marks, and nothing else has any, the marks are lost.
   */
  async #missMarks(): Promise<void> {
    if (!hasAttributes(this.#top.place.form)) return;
    for (const path of this.#unmarked ?? []) {
      for (const older of this.#stack.layers.slice(1)) {
        if ((await older.entry(path))?.type === TYPE.directory) return this.#options.oddities.add('unmarked', path);
      }
    }
  }

  /** Whether the name would be taken for a mark, although it is one of the container's files. */
  #isOrdinaryMark(name: ByteName): boolean {
    return name.startsWith(WHITEOUT) && !this.#hasWhiteoutFiles;
  }

  async #file(name: BytePath, placed: PlacedEntry, folders: Pending['folders']): Promise<void> {
    const { entry, layer, path } = placed;
    const first = this.#firstName(name, placed);
    if (first !== undefined) {
      const link = { type: TYPE.hardLink, link: Buffer.from(first, 'latin1'), xattrs: [] };
      return this.#header({ ...this.#metadata(placed, name), ...link });
    }
    const metadata = this.#metadata(placed, name);
    if (entry.type === TYPE.symlink) {
      const target = this.#stack.layers[layer]?.target(path);
      if (target === undefined) return this.#vanished(name, changedMeanwhile(name));
      return this.#header({ ...metadata, link: Buffer.from(target, 'latin1') });
    }
    if (entry.type !== TYPE.file) return this.#header(metadata);
    const size = Number(entry.stats.size);
    await this.#header({ ...metadata, size });
    if (size === 0) return;
    const place = entry.isMetacopy ? await this.#stack.contentsOf(await folders(), placed) : placed;
    await this.#contents(place, size);
  }

  /** @returns `undefined` if the inode has no other name so far */
  #firstName(name: BytePath, { entry: { stats } }: PlacedEntry): BytePath | undefined {
    if (stats.nlink < 2n) return undefined;
    const key = `${stats.dev} ${stats.ino}`;
    const first = this.#inodes.get(key);
    if (first === undefined) this.#inodes.set(key, name);
    return first;
  }

  #metadata({ entry }: Pick<PlacedEntry, 'entry'>, name: BytePath = ''): NewEntry {
    const { uids, gids } = this.#options;
    return {
      name: Buffer.from(name, 'latin1'),
      type: entry.type,
      mode: entry.mode,
      uid: uids.toContainer(entry.uid),
      gid: gids.toContainer(entry.gid),
      size: 0,
      mtime: entry.stats.mtimeNs,
      deviceMajor: entry.major,
      deviceMinor: entry.minor,
      xattrs: this.#writable(xattrsInside(entry.xattrs, uids), name),
    };
  }

  /** A record of a tar ends its key with the first `=`. */
  #writable(xattrs: NonNullable<NewEntry['xattrs']>, path: BytePath): NonNullable<NewEntry['xattrs']> {
    const all = [...xattrs];
    const kept = all.filter(([name]) => !name.includes('='));
    if (kept.length < all.length) this.#options.oddities.add('xattr', path);
    return kept;
  }

  async #contents({ layer, path }: LayerPath, size: number): Promise<void> {
    const folder = this.#stack.layers[layer]?.place.folder ?? '';
    const file = this.#table.addFile(Buffer.from(joined(folder, path), 'latin1'), size, NO_CHECKSUM);
    this.#table.addPiece({ start: this.#position, file, from: 0, length: size });
    this.#moveBy(size);
    await this.#append(Buffer.alloc(padded(size) - size));
  }

  #marker(folder: BytePath, name: ByteName): Promise<void> {
    const path = Buffer.from(joined(folder, name), 'latin1');
    return this.#header({ name: path, type: TYPE.file, mode: 0, uid: 0, gid: 0, size: 0, mtime: 0n });
  }

  async #header(entry: NewEntry): Promise<void> {
    const { maxEntries } = this.#options.limits;
    if (++this.#entries > maxEntries) throw tooManyEntries('the layer', maxEntries);
    await this.#append(encodeHeaders(entry));
  }

  async #append(bytes: Buffer): Promise<void> {
    this.#moveBy(bytes.length);
    await this.#spool.append(bytes);
  }

  #moveBy(length: number): void {
    this.#position += length;
    if (this.#position > this.#options.limits.maxSize) throw tooLarge(FILES, this.#options.limits.maxSize);
  }
}

function changedMeanwhile(path: BytePath): DimgxError {
  const bytes = Buffer.from(path, 'latin1');
  const message = `${quoted(bytes)} in the engine's storage was changed while it was read`;
  return new DimgxError('DIMGX_STORE_FILE_CHANGED', message, pathData(bytes));
}

/** Engines keep no checksums of the files of containers. */
const NO_CHECKSUM = Buffer.alloc(8);

/** Finds a value when it is first needed. */
function later<T>(find: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined;
  return () => {
    found ??= find();
    return found;
  };
}
