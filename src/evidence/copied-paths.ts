import { charactersOf } from '../merge/name-pattern.js';
import type { Node } from '../merge/node.js';
import { latin1 } from '../tar/pax.js';
import { meantPath } from './meant-path.js';
import type { Versions } from './versions.js';

/** A path that is copied out of an image. */
export interface CopiedPath {
  /** From the root, without a slash at either end; empty for the root. */
  readonly path: Uint8Array;
  /** The name that the caller gave it. Empty for what is in a directory, not the directory itself. */
  readonly name: Uint8Array;
}

/**
 * The paths that a caller means, as a shell would give them to `cp`: each that fits a pattern, and every other one as it
 * is, once symlinks on the way are followed.
 *
 * @throws DIMGX_PATH_NOT_FOUND, DIMGX_PATH_HIDDEN, DIMGX_PATH_LOOP, DIMGX_OPTION_INVALID for a bad pattern
 */
export function copiedPaths(versions: Versions, paths: readonly Uint8Array[]): readonly CopiedPath[] {
  const { tree } = versions.merged;
  const isPresent = new Uint8Array(tree.length);
  for (const node of versions.present) isPresent[node] = 1;
  isPresent[tree.root] = 1;
  return paths.flatMap((path) => {
    const meant = meantPath(versions, path);
    const found: Node[] = [];
    for (let node = 0; node < tree.length; node++) if (meant.fits(node) && isPresent[node] === 1) found.push(node);
    if (found.length === 0) throw meant.missing();
    const given = lastName(path);
    const isOwn = meant.isPattern && given.length > 0;
    return found.map((node) => ({ path: tree.path(node), name: isOwn ? tree.name(node) : given }));
  });
}

/** The last name of a path, as `cp` takes it: none for `/`, nor for what ends in `.` or `..`. */
function lastName(path: Uint8Array): Uint8Array {
  const name = latin1(path).replace(/\/+$/, '').replace(/^.*\//s, '');
  return Buffer.from(name === '.' || name === '..' ? '' : name, 'latin1');
}

/** Rules for the option `paths` that keep these paths alone, with what is below and above them. */
export function rulesFor(copied: readonly CopiedPath[]): readonly string[] {
  return copied.map(({ path }) => `+/${patternOf(path)}`);
}

/** A pattern that only this path fits. */
function patternOf(path: Uint8Array): string {
  const names = latin1(path)
    .split('/')
    .map((name) => charactersOf(Buffer.from(name, 'latin1')));
  return names.map((name) => String.fromCodePoint(...name).replace(/[*?[\]\\]/g, '\\$&')).join('/');
}
