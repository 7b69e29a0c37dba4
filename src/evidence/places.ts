import { NONE, type Node } from '../merge/node.js';
import type { Tree } from '../merge/tree.js';

/**
 * For each node, the first node with the same path: a path that was removed and made again has several nodes, and so
 * has all that is below it.
 */
export function placesOf(tree: Tree): Int32Array {
  const places = new Int32Array(tree.length);
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(16, tree.length * 1.5)))).fill(NONE);
  const mask = slots.length - 1;
  // A directory comes before what is in it. The root is at place 0, also one that replaced another.
  for (let node = 1; node < places.length; node++) {
    const parent = tree.parent(node);
    if (parent === NONE) continue;
    const above = places[parent] as number;
    let slot = tree.nameHash(node, above) & mask;
    for (let found = slots[slot] as Node; found !== NONE; found = slots[slot] as Node) {
      if (places[tree.parent(found)] === above && tree.isSameName(node, found)) break;
      slot = (slot + 1) & mask;
    }
    if (slots[slot] === NONE) slots[slot] = node;
    places[node] = slots[slot] as Node;
  }
  return places;
}
