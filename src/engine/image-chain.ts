import type { Digest } from '../reference/digest.js';
import type { Engine, EngineImage, EngineImageDetails } from './engine.js';

/** More than any engine can build. Stops at an engine that names parents endlessly. */
const MAX_CHAIN = 10_000;

/** Maximum number of images inspected at the same time; `EngineAgent` may use fewer connections. */
const AT_ONCE = 8;

/**
 * An image and its ancestors, as far as the engine knows them. Images that were pulled, or built by BuildKit, have no
 * parents. A parent whose layers are not the first layers of its child is ignored.
 *
 * @param listed the engine's list of images; if it names parents, several are inspected at the same time
 * @returns oldest first, the image itself last
 */
export async function imageChain(
  engine: Engine,
  image: EngineImageDetails,
  listed: readonly EngineImage[],
): Promise<readonly EngineImageDetails[]> {
  const parents = new Map(listed.map(({ id, parentId }) => [id, parentId]));
  const inspected = new Map<string, EngineImageDetails | undefined>();
  const inspect = async (id: string) => {
    if (!inspected.has(id)) {
      const ids = lineage(id, parents);
      const found = await Promise.all(ids.map((each) => engine.inspect(each)));
      for (const [i, each] of ids.entries()) inspected.set(each, found[i]);
    }
    return inspected.get(id);
  };
  const chain = new Map([[image.id, image]]);
  for (let at = image; at.parentId !== undefined && !chain.has(at.parentId) && chain.size < MAX_CHAIN; ) {
    const parent = await inspect(at.parentId);
    if (!parent || !isBelow(parent.diffIds, at.diffIds)) break;
    chain.set(parent.id, parent);
    at = parent;
  }
  return [...chain.values()].reverse();
}

/** An image and its nearest ancestors, at most `AT_ONCE` in all. */
function lineage(id: string, parents: ReadonlyMap<string, string | undefined>): readonly string[] {
  const ids = new Set<string>();
  for (let at: string | undefined = id; at !== undefined && !ids.has(at) && ids.size < AT_ONCE; at = parents.get(at)) {
    ids.add(at);
  }
  return [...ids];
}

function isBelow(older: readonly Digest[], newer: readonly Digest[]): boolean {
  return older.length <= newer.length && older.every((diffId, i) => diffId === newer[i]);
}
