import { closeSync } from 'node:fs';
import { deniedAdvice } from '../../../base/io/denied-advice.js';
import { FolderTree } from '../../../base/io/folder-tree.js';
import { type ByteName, OpenFolder } from '../../../base/io/open-folder.js';
import { pathData, quoted, reasonOf, withoutCall } from '../../../base/text/printable.js';
import { DimgxError, isSystemError } from '../../../errors.js';
import { type DiskEntry, diskEntry } from './disk-entry.js';
import type { FolderForm } from './folder-form.js';
import type { ReadXattrs } from './xattrs.js';

/** A path below a folder, without a slash at its start: one character, one byte. Empty for the folder itself. */
export type BytePath = string;

/** Where a folder of an engine's storage is, and how it is read. */
export interface FolderPlace {
  /** A path below the folder of the storage. */
  readonly folder: string;
  readonly form: FolderForm;
}

/** A folder of an engine's storage that has the files of a layer. No symlink in it is followed. */
export class LayerFolder {
  readonly place: FolderPlace;
  readonly #store: number;
  readonly #readXattrs: ReadXattrs;
  /** Opened when it is first needed: most layers below a container never are. */
  #opened: { readonly root: number; readonly tree: FolderTree } | undefined;

  /** @param store descriptor of the folder of the storage */
  constructor(store: number, place: FolderPlace, readXattrs: ReadXattrs) {
    this.#store = store;
    this.place = place;
    this.#readXattrs = readXattrs;
  }

  /** What is in a folder, in the order of the bytes of names. @throws DIMGX_SOURCE_UNREADABLE, DIMGX_STORE_DAMAGED */
  async entries(path: BytePath): Promise<readonly DiskEntry[]> {
    const folder = this.#call(path, () => new OpenFolder(this.#tree.openFolder(bytesOf(path))));
    try {
      return await this.#read(folder, path, (open) => open.names());
    } finally {
      folder.close();
    }
  }

  /** What has that path. @returns `undefined` if nothing has @throws as `entries` */
  async entry(path: BytePath): Promise<DiskEntry | undefined> {
    const { parent, name } = split(path);
    const folder = this.#open(parent);
    if (!folder) return undefined;
    try {
      const [entry] = await this.#read(folder, parent, () => [name === '' ? '.' : name]);
      return entry;
    } finally {
      folder.close();
    }
  }

  /** The target of a symlink. @returns `undefined` if there is none any more @throws as `entries` */
  target(path: BytePath): ByteName | undefined {
    const { parent, name } = split(path);
    const folder = this.#open(parent);
    try {
      return folder?.target(name);
    } catch (failure) {
      if (isSystemError(failure, 'ENOENT', 'EINVAL')) return undefined;
      return this.#refuse(path, failure);
    } finally {
      folder?.close();
    }
  }

  close(): void {
    if (!this.#opened) return;
    this.#opened.tree.close();
    closeSync(this.#opened.root);
    this.#opened = undefined;
  }

  get #tree(): FolderTree {
    if (!this.#opened) {
      const root = this.#call('', () => folderIn(this.#store, this.place.folder));
      this.#opened = { root, tree: new FolderTree(root, 'none') };
    }
    return this.#opened.tree;
  }

  /** @returns `undefined` if there is no folder of that path */
  #open(path: BytePath): OpenFolder | undefined {
    try {
      return new OpenFolder(this.#tree.openFolder(bytesOf(path)));
    } catch (failure) {
      if (isSystemError(failure, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
      return this.#refuse(path, failure);
    }
  }

  async #read(folder: OpenFolder, path: BytePath, namesOf: (open: OpenFolder) => readonly ByteName[]) {
    const names = this.#call(path, () => namesOf(folder));
    const found = names.flatMap((name) => {
      const stats = this.#call(joined(path, name), () => statsOf(folder, name));
      return stats ? [{ name, stats }] : [];
    });
    const { form } = this.place;
    const xattrs = await this.#readXattrs(
      folder,
      found.map(({ name }) => name),
    );
    return found.map(({ name, stats }) => diskEntry(name, stats, xattrs.get(name) ?? new Map(), form));
  }

  #call<T>(path: BytePath, call: () => T): T {
    try {
      return call();
    } catch (failure) {
      return this.#refuse(path, failure);
    }
  }

  #refuse(path: BytePath, failure: unknown): never {
    if (!isSystemError(failure)) throw failure;
    const whole = joined(this.place.folder, path);
    const named = Buffer.from(whole, 'latin1');
    const isGone = isSystemError(failure, 'ENOENT', 'ENOTDIR', 'ELOOP');
    const advice = isSystemError(failure, 'EACCES', 'EPERM') ? `: ${deniedAdvice(this.#store)}` : '';
    const message = isGone
      ? `the engine's storage has no folder ${quoted(named)} any more`
      : `${quoted(named)} in the engine's storage cannot be read: ${withoutCall(reasonOf(failure))}${advice}`;
    const code = isGone ? 'DIMGX_STORE_DAMAGED' : 'DIMGX_SOURCE_UNREADABLE';
    throw new DimgxError(code, message, { ...pathData(named), cause: failure });
  }
}

function folderIn(store: number, path: string): number {
  const tree = new FolderTree(store, 'none');
  try {
    return tree.openFolder(path);
  } finally {
    tree.close();
  }
}

/** @returns `undefined` if it has vanished: its container may be running */
function statsOf(folder: OpenFolder, name: ByteName) {
  try {
    return folder.stats(name);
  } catch (failure) {
    if (isSystemError(failure, 'ENOENT')) return undefined;
    throw failure;
  }
}

export function joined(path: BytePath, name: ByteName): BytePath {
  return path === '' ? name : name === '' ? path : `${path}/${name}`;
}

function split(path: BytePath): { readonly parent: BytePath; readonly name: ByteName } {
  const slash = path.lastIndexOf('/');
  return { parent: path.slice(0, Math.max(0, slash)), name: path.slice(slash + 1) };
}

function bytesOf(path: BytePath): string | Buffer {
  return /[\x80-\xff]/.test(path) ? Buffer.from(path, 'latin1') : path;
}
