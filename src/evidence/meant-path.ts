import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { Glob, type GlobState } from '../merge/glob.js';
import { charactersOf } from '../merge/name-pattern.js';
import { KIND, NONE, type Node } from '../merge/node.js';
import { SLASH } from '../tar/path.js';
import { findPath } from './find-path.js';
import { hiddenPath, noSuchPath } from './missing-path.js';
import { hasHidden, literalPath, placeOf } from './path-versions.js';
import type { Versions } from './versions.js';

/** What starts a wildcard: `*`, `?`, `[`. */
const WILDCARDS: ReadonlySet<number> = new Set([0x2a, 0x3f, 0x5b]);

/** What a caller means by a path of an image. */
export interface MeantPath {
  /** It stands for all paths that fit it. */
  readonly isPattern: boolean;
  /** It ends in a slash: a directory, or a symlink to one. */
  readonly isDirectory: boolean;
  /** Whether a node has the path, or fits it. Call it for each node in order. */
  fits(node: Node): boolean;
  /** Why nothing is there that may be taken. */
  missing(): DimgxError;
}

/**
 * Finds out what a path stands for: what has exactly that name, in the tree or hidden, or else, with `*`, `?` or `[`, all
 * that fits it. Symlinks on the way are followed, and the last one if a slash follows. What once was at the path as it is
 * written counts, too: a directory that is a symlink by now hides what was in it.
 *
 * @throws DIMGX_PATH_NOT_FOUND, DIMGX_PATH_LOOP, DIMGX_OPTION_INVALID for a bad pattern
 */
export function meantPath(versions: Versions, path: Uint8Array): MeantPath {
  const { merged, places } = versions;
  const isDirectory = path.at(-1) === SLASH;
  const { resolved } = findPath(merged, path, isDirectory);
  const place = placeOf(versions, resolved);
  const literal = literalPath(path);
  const hiddenPlace = hasHidden(versions, literal) ? placeOf(versions, literal) : NONE;
  if (place !== NONE || hiddenPlace !== NONE) {
    const isHidden = (node: Node) => places[node] === hiddenPlace && versions.hidingLayer(node) !== NONE;
    const missing = () => hiddenPath(versions, path, place === NONE ? literal : resolved);
    return { isPattern: false, isDirectory, fits: (node) => places[node] === place || isHidden(node), missing };
  }
  if (!path.some((byte) => WILDCARDS.has(byte))) throw noSuchPath(versions, path, resolved);
  const missing = () => new DimgxError('DIMGX_PATH_NOT_FOUND', `no path fits ${quoted(path)}`);
  return { isPattern: true, isDirectory, fits: fitting(versions, path), missing };
}

function fitting({ merged: { tree } }: Versions, path: Uint8Array): (node: Node) => boolean {
  const glob = new Glob(Buffer.from(path).toString());
  const states = new Map<Node, GlobState>();
  return (node) => {
    const parent = tree.parent(node);
    const above = parent === NONE ? undefined : (states.get(parent) as GlobState);
    const state = above ? glob.step(above, charactersOf(tree.name(node))) : glob.start;
    if (tree.kind(node) === KIND.directory) states.set(node, state);
    return glob.isMatch(state);
  };
}
