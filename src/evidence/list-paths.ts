import { KIND, NONE, type Node } from '../merge/node.js';
import { meantPath } from './meant-path.js';
import { nodesByPath } from './nodes-by-path.js';
import type { Versions } from './versions.js';

/** What to list. */
export interface ListPathsOptions {
  /** Everything below a directory, not only what is in it. Default false. */
  readonly recursive?: boolean | undefined;
  /** Hidden versions, too. Default false. */
  readonly hidden?: boolean | undefined;
}

/** How a node lies to what is asked for. */
const [ELSEWHERE, EXACT, CHILD, BELOW] = [0, 1, 2, 3];

/**
 * Lists versions by path, in the order of the flat tar; of one path the present version first, then the hidden ones,
 * newest first. A path that is a directory stands for what is in it, and one with `*`, `?` or `[` for all that fits it,
 * unless there is something of exactly that name. Symlinks on the way are followed, and the last one if a slash follows.
 *
 * @param paths of the image; none stands for the root
 * @throws DIMGX_PATH_NOT_FOUND, DIMGX_PATH_HIDDEN, DIMGX_PATH_LOOP, DIMGX_OPTION_INVALID for a bad pattern
 */
export function* listPaths(
  versions: Versions,
  paths: readonly Uint8Array[],
  options: ListPathsOptions = {},
): Generator<Node, void, void> {
  const listed = new Uint8Array(versions.places.length);
  const isShown = new Uint8Array(versions.places.length);
  for (const node of versions.present) isShown[node] = 1;
  if (options.hidden) for (const node of versions.hidden) isShown[node] = 1;
  for (const path of paths.length === 0 ? [Buffer.from('/')] : paths) {
    mark(versions, path, options.recursive ?? false, isShown, listed);
  }
  // Of one path the present version is the newest.
  yield* nodesByPath(versions.merged, versions.places, (node) => listed[node] === 1 && isShown[node] === 1);
}

/**
 * Sets nodes to 1 that are to be listed.
 *
 * @param isShown for each node, 1 if it may be listed at all
 */
function mark(versions: Versions, path: Uint8Array, recursive: boolean, isShown: Uint8Array, listed: Uint8Array): void {
  const { tree } = versions.merged;
  const meant = meantPath(versions, path);
  const { isPattern } = meant;
  const levels = new Uint8Array(tree.length);
  let isThere = false;
  for (let node = 0; node < levels.length; node++) {
    const parent = tree.parent(node);
    const above = parent === NONE ? ELSEWHERE : (levels[parent] as number);
    const level = meant.fits(node) ? EXACT : above === ELSEWHERE ? ELSEWHERE : above === EXACT ? CHILD : BELOW;
    levels[node] = level;
    if (level === ELSEWHERE) continue;
    const isHidden = versions.hidingLayer(node) !== NONE;
    const isItself = level === EXACT && (isPattern || isHidden || tree.kind(node) !== KIND.directory);
    const isInside = level === BELOW ? recursive : level === CHILD && (!isPattern || recursive);
    if (isItself || isInside) listed[node] = 1;
    // The root is always there, and a directory that no entry describes is if something in it is.
    isThere ||= parent === NONE && level === EXACT;
    isThere ||= isShown[node] === 1 && (level === EXACT || listed[node] === 1);
  }
  if (!isThere) throw meant.missing();
}
