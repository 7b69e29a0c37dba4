import type { Digest } from '../../image/digest.js';
import type { Engine, EngineImageDetails } from './engine.js';

/** More than any engine can build: an engine that names parents without end must end somewhere. */
const MAX_CHAIN = 10_000;

/**
 * An image and all that it was built on, as far as the engine knows them: what was pulled, or built by BuildKit, has no
 * parents. A parent that has other layers than its child is not one.
 *
 * @returns oldest first, the image itself last
 */
export async function imageChain(engine: Engine, image: EngineImageDetails): Promise<readonly EngineImageDetails[]> {
  const chain = new Map([[image.id, image]]);
  for (let at = image; at.parentId !== undefined && !chain.has(at.parentId) && chain.size < MAX_CHAIN; ) {
    const parent = await engine.inspect(at.parentId);
    if (!parent || !isBelow(parent.diffIds, at.diffIds)) break;
    chain.set(parent.id, parent);
    at = parent;
  }
  return [...chain.values()].reverse();
}

function isBelow(older: readonly Digest[], newer: readonly Digest[]): boolean {
  return older.length <= newer.length && older.every((diffId, i) => diffId === newer[i]);
}
