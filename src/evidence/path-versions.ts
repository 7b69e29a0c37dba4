import { NONE, type Node } from '../merge/node.js';
import { componentEnd } from '../tar/path.js';
import { latin1 } from '../tar/pax.js';
import type { Versions } from './versions.js';

/**
 * The first node with a path, whether anything is there any more or not. Symlinks are not followed.
 *
 * @param path from the root, without a slash at either end
 * @returns `NONE` if there never was anything
 */
export function placeOf({ merged: { tree }, places }: Versions, path: Uint8Array): Node {
  let place: Node = 0;
  // A directory comes before what is in it, so one look at each node is enough.
  let node = 1;
  for (let at = 0; at < path.length; ) {
    const end = componentEnd(path, at);
    const name = Buffer.from(path.buffer, path.byteOffset + at, end - at);
    const isIt = (candidate: Node) => {
      const parent = tree.parent(candidate);
      return parent !== NONE && places[parent] === place && name.equals(tree.name(candidate));
    };
    while (node < places.length && !isIt(node)) node++;
    if (node === places.length) return NONE;
    place = places[node] as Node;
    at = end + 1;
  }
  return place;
}

/** A path as it is written, from the root and without a slash at either end: `.` and `..` are resolved as text. */
export function literalPath(path: Uint8Array): Buffer {
  const names: string[] = [];
  for (const name of latin1(path).split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return Buffer.from(names.join('/'), 'latin1');
}

/** The versions of a path, newest first: nodes, each once. */
export function versionsAt(versions: Versions, path: Uint8Array): readonly Node[] {
  const place = placeOf(versions, path);
  if (place === NONE) return [];
  const nodes = new Set<Node>();
  for (const { node } of versions.shadows.all(place)) nodes.add(versions.lasting(node));
  return [...nodes];
}

/** Whether anything that was once at a path is hidden, also a directory that no entry describes. */
export function hasHidden(versions: Versions, path: Uint8Array): boolean {
  const place = placeOf(versions, path);
  if (place === NONE) return false;
  return versions.places.some((each, node) => each === place && versions.hidingLayer(node) !== NONE);
}
