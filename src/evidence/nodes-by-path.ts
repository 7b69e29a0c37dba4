import type { MergedTree } from '../merge/merged-tree.js';
import { Column, NONE, type Node } from '../merge/node.js';
import { SortedChildren } from '../merge/sorted-children.js';

/**
 * Some nodes in the order of a tar of their paths; those with one path newest first.
 *
 * @param places for each node, the first node with the same path
 */
export function nodesByPath({ tree }: MergedTree, places: Int32Array, isAsked: (node: Node) => boolean): Int32Array {
  // A list of the nodes of each place.
  const first = new Int32Array(tree.length).fill(NONE);
  const next = new Int32Array(tree.length).fill(NONE);
  const isOnTheWay = new Uint8Array(tree.length);
  for (let node = 0; node < tree.length; node++) {
    if (!isAsked(node)) continue;
    const place = places[node] as Node;
    next[node] = first[place] as Node;
    first[place] = node;
    isOnTheWay[place] = 1;
  }
  // A directory comes before what is in it.
  for (let node = tree.length - 1; node > 0; node--) {
    const parent = tree.parent(node);
    if (isOnTheWay[node] === 1 && parent !== NONE) isOnTheWay[places[parent] as Node] = 1;
  }
  const inOrder = new Column(1024);
  const visit = (place: Node) => {
    for (let node = first[place] as Node; node !== NONE; node = next[node] as Node) inOrder.push(node);
  };
  new SortedChildren(tree, isOnTheWay, places).walk(visit, places[tree.root]);
  return inOrder.toArray();
}
