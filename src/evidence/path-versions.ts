import { NONE, type Node } from '../merge/node.js';
import { componentEnd } from '../tar/path.js';
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

/** The versions of a path, newest first: nodes, each once. */
export function versionsAt(versions: Versions, path: Uint8Array): readonly Node[] {
  const place = placeOf(versions, path);
  if (place === NONE) return [];
  const nodes = new Set<Node>();
  for (const { node } of versions.shadows.all(place)) nodes.add(versions.lasting(node));
  return [...nodes];
}
