import { Column, NONE, type Node } from '../merge/node.js';
import { SortedChildren } from '../merge/sorted-children.js';
import { Presence } from './presence.js';
import type { Versions } from './versions.js';

/** `A`: added. `C`: changed. `D`: gone. As `docker diff` has it. */
export type ChangeKind = 'A' | 'C' | 'D';

/** What layers did to a path. */
export interface Change {
  readonly kind: ChangeKind;
  /** From the root, without a slash at either end. */
  readonly path: Buffer;
}

/**
 * What a range of layers did to the tree of the layers below, sorted by the bytes of the paths. Each path is there once.
 *
 * - `A` and `C`: an entry of these layers describes the path as it is afterwards, and it was absent or present below.
 *   New directories that are only implied count, too. The root does not.
 * - `D`: the path was present below and is gone, whatever hid it. Only the topmost such path counts, and none where
 *   something above is no directory any more: that one has changed.
 *
 * `docker diff` tells the same of a container, except that it overlooks a directory of which only the time changed, and
 * a file that was written again with its size and time.
 *
 * @param from number of the first layer, where 0 is the oldest
 * @param to number of the last layer
 */
export function* changesOf(versions: Versions, from: number, to: number): Generator<Change, void, void> {
  const { tree } = versions.merged;
  const before = Presence.after(versions, from - 1);
  const after = Presence.after(versions, to);
  const isDescribed = describedPlaces(versions, after, from, to);
  const kindAt = (place: number): ChangeKind | undefined => {
    const old = before.at(place);
    const present = after.at(place);
    if (present === NONE) return old !== NONE && after.hasRoomAt(place) ? 'D' : undefined;
    if (old === NONE) return 'A';
    return isDescribed[place] === 1 || !after.holds(old) ? 'C' : undefined;
  };
  for (const place of placesInOrder(versions, (place) => kindAt(place) !== undefined)) {
    yield { kind: kindAt(place) as ChangeKind, path: tree.path(place) };
  }
}

/** For each place, 1 if an entry of these layers describes what is there afterwards. */
function describedPlaces({ merged, places }: Versions, after: Presence, from: number, to: number): Uint8Array {
  const isDescribed = new Uint8Array(places.length);
  for (const nodes of merged.nodes.slice(from, to + 1)) {
    for (let entry = 0; entry < nodes.length; entry++) {
      const node = nodes.get(entry);
      if (node !== NONE && after.holds(node)) isDescribed[places[node] as number] = 1;
    }
  }
  return isDescribed;
}

/** The places that are asked for, sorted by the bytes of their paths. */
function placesInOrder({ merged, places }: Versions, isAsked: (place: number) => boolean): Iterable<number> {
  const { tree } = merged;
  const isOnTheWay = new Uint8Array(places.length);
  for (let place = places.length - 1; place > 0; place--) {
    if (places[place] !== place) continue;
    if (isOnTheWay[place] === 0 && isAsked(place)) isOnTheWay[place] = 1;
    if (isOnTheWay[place] === 1) isOnTheWay[places[tree.parent(place)] as number] = 1;
  }
  const inOrder = new Column(1024);
  new SortedChildren(tree, isOnTheWay, places).walkPaths((place: Node) => {
    if (isAsked(place)) inOrder.push(place);
  });
  return inOrder.toArray();
}
