import type { HistoryStep } from '../image/config.js';
import type { HistoryEntry } from '../image/image.js';
import type { EngineHistoryStep, EngineImageDetails } from './engine.js';

/** A step of an image's making, as the engine tells it. */
export interface EngineStep extends HistoryStep {
  readonly tags: readonly string[];
  /** Of the layer's contents, in bytes. */
  readonly size: number;
}

/**
 * Tells what a history does not: of which image each step is the last, and whether it made a layer. A parent has the
 * history of its child without the newest step, in Docker as in Podman: the newest steps are those of the chain, one each.
 * (The IDs that Podman puts into a history are of any image with the same layers.) How many layers the images of the
 * chain have, and below it what a step wrote, and what it was, mostly leave no doubt.
 *
 * @param steps newest first, as the engine gives them
 * @param chain oldest first, the image itself last: see `imageChain`
 * @returns oldest first; `undefined` when it cannot be told
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

/** Those of the steps, so many, that made a layer. */
function makersAmong(steps: readonly EngineHistoryStep[], count: number): readonly EngineHistoryStep[] | undefined {
  if (count < 0 || count > steps.length) return undefined;
  const likeliest = steps.toSorted((a, b) => doubt(a) - doubt(b));
  const [last, next] = [likeliest[count - 1], likeliest[count]];
  return last && next && doubt(last) === doubt(next) ? undefined : likeliest.slice(0, count);
}

const METADATA =
  /^(?:ENV|CMD|LABEL|EXPOSE|ENTRYPOINT|USER|VOLUME|STOPSIGNAL|HEALTHCHECK|MAINTAINER|ARG|ONBUILD|SHELL)\b/;

/** How much speaks against a layer: nothing where something was written; much where the instruction never makes one. */
function doubt({ size, createdBy }: EngineHistoryStep): number {
  if (size > 0) return 0;
  const instruction = createdBy.replace(/^\/bin\/sh -c #\(nop\)\s*/, '');
  if (METADATA.test(instruction)) return 3;
  // BuildKit makes a layer of it, the classic builder none; an empty directory counts no bytes.
  return instruction.startsWith('WORKDIR') ? 2 : 1;
}

/** With the classic builder a time in seconds, as RFC 3339; none where the engine knows none. */
function historyOf({ created, createdBy, comment }: EngineHistoryStep): HistoryEntry {
  const time = created > 0 && created < 8.64e12 ? new Date(created * 1000).toISOString().replace('.000Z', 'Z') : '';
  return { ...(time && { created: time }), ...(createdBy && { createdBy }), ...(comment && { comment }) };
}
