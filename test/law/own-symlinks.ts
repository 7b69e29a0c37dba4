import { baseOf, type Entry, joined, parentOf } from './decoded-entry.js';

/** Of one entry of a layer: its path once the symlinks that stand before it in the layer are followed, but for its last part. */
export function placeOf(layer: readonly Entry[], entry: Entry): string {
  return entry.path === '' ? '' : joined(directoryOf(layer, entry), baseOf(entry.path));
}

/**
 * The directory in which an entry acts (2.3): symlinks that stand before it in its own layer are followed, taken from
 * the root. As it was where they lead in a circle.
 */
export function directoryOf(layer: readonly Entry[], entry: Entry): string {
  const symlinks = new Map<string, string>();
  for (const { path, type, target } of layer.slice(0, layer.indexOf(entry))) {
    if (type === 'symlink') symlinks.set(path, target);
    else symlinks.delete(path);
  }
  const todo = parentOf(entry.path).split('/');
  let done = '';
  for (let followed = 0; todo.length > 0; ) {
    const part = todo.shift() as string;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      done = parentOf(done);
      continue;
    }
    const target = symlinks.get(joined(done, part));
    if (target === undefined) {
      done = joined(done, part);
      continue;
    }
    if (++followed > 40) return parentOf(entry.path);
    if (target.startsWith('/')) done = '';
    todo.unshift(...target.split('/'));
  }
  return done;
}
