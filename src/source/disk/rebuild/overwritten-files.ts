import { MAX_SYMLINKS } from '../../../base/limits.js';
import { cleanPath } from '../../../tar/path.js';
import type { PieceTable } from './piece-table.js';

/** A clean path, one character for each byte. */
export function cleanName(name: Uint8Array): string {
  return Buffer.from(cleanPath(name, 'clamp')).toString('latin1');
}

/**
 * Finds files that a layer has by two names, one of them through a symlink of the layer. An engine that unpacks it writes
 * the later one over the earlier one, whose contents are lost; no tree shows them.
 */
export class OverwrittenFiles {
  readonly #table: PieceTable;
  readonly #links = new Map<string, string>();
  /** The folder of the last file, and where the links lead: most files are in the same one. */
  #folder: { readonly path: string; readonly target: string | undefined } | undefined;
  /** The files so far by their paths without symlinks; made when the first one is written through a symlink. */
  #byPath: Map<string, number> | undefined;
  /** The first name whose contents are lost. */
  first: Uint8Array | undefined;

  constructor(table: PieceTable) {
    this.#table = table;
  }

  addLink(name: Uint8Array, target: Uint8Array): void {
    this.#folder = undefined;
    this.#links.set(cleanName(name), Buffer.from(target).toString('latin1'));
  }

  /** @param file its number in the table, to which it has just been added */
  add(file: number, name: Uint8Array): void {
    if (this.#links.size === 0) return;
    const clean = cleanName(name);
    const path = this.#resolve(clean);
    if (path === undefined || (path === clean && !this.#byPath)) return;
    this.#byPath ??= this.#pathsBefore(file);
    const earlier = this.#byPath.get(path);
    this.#byPath.set(path, file);
    if (earlier === undefined || this.#table.areAlike(earlier, file)) return;
    this.first ??= this.#table.pathOf(earlier);
    this.#table.forget(earlier);
  }

  #pathsBefore(file: number): Map<string, number> {
    return new Map(Array.from({ length: file }, (_, i) => [cleanName(this.#table.pathOf(i)), i]));
  }

  /** A path without symlinks on the way to its last name. @returns `undefined` if the symlinks form a loop */
  #resolve(path: string): string | undefined {
    const slash = path.lastIndexOf('/');
    if (slash < 0) return path;
    const folder = path.slice(0, slash);
    if (this.#folder?.path !== folder) this.#folder = { path: folder, target: this.#follow(folder) };
    const { target } = this.#folder;
    return target === '' ? path.slice(slash + 1) : target && target + path.slice(slash);
  }

  /** Where a path leads. @returns `undefined` if the symlinks form a loop */
  #follow(path: string): string | undefined {
    const ahead = path.split('/').reverse();
    const behind: string[] = [];
    for (let links = 0; ahead.length > 0; ) {
      const name = ahead.pop() as string;
      if (name === '' || name === '.') continue;
      if (name === '..') {
        behind.pop();
        continue;
      }
      const target = this.#links.get([...behind, name].join('/'));
      if (target === undefined) behind.push(name);
      else {
        if (++links > MAX_SYMLINKS) return undefined;
        if (target.startsWith('/')) behind.length = 0;
        ahead.push(...target.split('/').reverse());
      }
    }
    return behind.join('/');
  }
}
