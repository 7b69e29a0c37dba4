import type { EntryTable } from '../inspect/entry-table.js';
import { TYPE } from '../tar/header.js';
import { latin1 } from '../tar/pax.js';

const MAX_SYMLINKS = 40;

/**
 * The symlinks that a layer itself brings, by path: whiteouts behind them in the tar act where they lead. Made only for
 * layers that hold markers.
 */
export class LayerSymlinks {
  readonly #targets = new Map<string, { readonly entry: number; readonly target: string }>();

  constructor(entries: EntryTable) {
    for (let i = 0; i < entries.length; i++) {
      if (entries.type(i) !== TYPE.symlink) continue;
      this.#targets.set(latin1(entries.path(i)), { entry: i, target: latin1(entries.link(i)) });
    }
  }

  /**
   * @param directory a cleaned path
   * @param before only symlinks of entries before this one count
   * @returns the path with symlinks followed, or as it was when they lead in a circle
   */
  resolve(directory: Uint8Array, before: number): Uint8Array {
    if (this.#targets.size === 0 || directory.length === 0) return directory;
    const todo = latin1(directory).split('/').reverse();
    const done: string[] = [];
    for (let followed = 0; todo.length > 0; ) {
      const component = todo.pop() as string;
      if (component === '' || component === '.') continue;
      if (component === '..') {
        done.pop();
        continue;
      }
      const symlink = this.#targets.get([...done, component].join('/'));
      if (!symlink || symlink.entry >= before) {
        done.push(component);
        continue;
      }
      if (++followed > MAX_SYMLINKS) return directory;
      if (symlink.target.startsWith('/')) done.length = 0;
      todo.push(...symlink.target.split('/').reverse());
    }
    return Buffer.from(done.join('/'), 'latin1');
  }
}
