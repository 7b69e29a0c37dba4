import type { HistoryStep } from '../image/config.js';
import type { HistoryEntry } from '../image/layer.js';
import type { Digest } from '../reference/digest.js';
import type { Engine, EngineHistoryStep, EngineImage, EngineImageDetails } from './engine.js';

/** A step in the making of an image, as the engine reports it. */
export interface EngineStep extends HistoryStep {
  readonly tags: readonly string[];
  /** Size of the layer's contents, in bytes. */
  readonly size: number;
}

/**
 * Finds out what a history does not say: which image each step completes, and whether the step made a layer. In both
 * Docker and Podman, a parent has its child's history without the newest step. So the newest steps match the images of
 * the chain one to one. (The IDs in Podman's histories belong to any image with the same layers.) The layer counts of
 * the chain's images and, below the chain, the size and the instruction of each step mostly leave no doubt.
 *
 * @param steps newest first, as the engine returns them
 * @param chain oldest first, the image itself last: see `imageChain`
 * @returns oldest first; `undefined` if it cannot be determined
 */
export function historySteps(
  steps: readonly EngineHistoryStep[],
  chain: readonly EngineImageDetails[],
): readonly EngineStep[] | undefined {
  const oldestFirst = steps.toReversed();
  const imageAfter = (at: number) => chain[at + chain.length - steps.length];
  const makers = new Set<EngineHistoryStep>();
  let [begin, below] = [0, 0];
  for (const at of oldestFirst.keys()) {
    const layers = imageAfter(at)?.diffIds.length;
    if (layers === undefined) continue;
    const found = makersAmong(oldestFirst.slice(begin, at + 1), layers - below);
    if (!found) return undefined;
    for (const maker of found) makers.add(maker);
    [begin, below] = [at + 1, layers];
  }
  if (makers.size !== (chain.at(-1)?.diffIds.length ?? 0)) return undefined;
  return oldestFirst.map((step, at) => ({
    history: historyOf(step),
    madeLayer: makers.has(step),
    imageId: imageAfter(at)?.id,
    tags: imageAfter(at)?.repoTags ?? [],
    size: step.size,
  }));
}

/** The `count` steps that made a layer. */
function makersAmong(steps: readonly EngineHistoryStep[], count: number): readonly EngineHistoryStep[] | undefined {
  if (count < 0 || count > steps.length) return undefined;
  const likeliest = steps.toSorted((a, b) => doubt(a) - doubt(b));
  const [last, next] = [likeliest[count - 1], likeliest[count]];
  return last && next && doubt(last) === doubt(next) ? undefined : likeliest.slice(0, count);
}

const METADATA =
  /^(?:ENV|CMD|LABEL|EXPOSE|ENTRYPOINT|USER|VOLUME|STOPSIGNAL|HEALTHCHECK|MAINTAINER|ARG|ONBUILD|SHELL)\b/;

/** How unlikely it is that a step made a layer: 0 if it wrote something; high if its instruction never makes one. */
function doubt({ size, createdBy }: EngineHistoryStep): number {
  if (size > 0) return 0;
  const instruction = createdBy.replace(/^\/bin\/sh -c #\(nop\)\s*/, '');
  if (METADATA.test(instruction)) return 3;
  // BuildKit makes a layer for WORKDIR, the classic builder does not. An empty directory counts as zero bytes.
  return instruction.startsWith('WORKDIR') ? 2 : 1;
}

/** The time becomes RFC 3339; the classic builder has it in whole seconds. Omitted if the engine does not know it. */
function historyOf({ created, createdBy, comment }: EngineHistoryStep): HistoryEntry {
  const time = created > 0 && created < 8.64e12 ? new Date(created * 1000).toISOString().replace('.000Z', 'Z') : '';
  return { ...(time && { created: time }), ...(createdBy && { createdBy }), ...(comment && { comment }) };
}

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
