import { DimgxError } from '../errors.js';
import { hexOf } from '../image/digest.js';
import { historyRows } from '../image/history.js';
import type { Image, Layer, StoredLayer, WatchSpool } from '../image/image.js';
import { layerNames } from '../image/layer-names.js';
import { formatPlatform, type Platform } from '../image/platform.js';
import { printable, quoted } from '../image/printable.js';
import type { OpenOptions } from '../options.js';
import type { Engine, EngineImageDetails } from './engine/engine.js';
import { findImage } from './engine/find-image.js';
import { type EngineStep, historySteps } from './engine/history-steps.js';
import { imageChain } from './engine/image-chain.js';
import type { OpenContext } from './open-context.js';
import { savedLayers } from './saved-layers.js';

/** What is wanted of an engine. */
export interface DaemonRequest {
  /** As given by the user. */
  readonly reference: string;
  /** A name, an ID or its prefix. */
  readonly name: string;
  /** What was asked for, if anything was. */
  readonly platform: Platform | undefined;
  readonly verify: boolean;
  readonly options: Pick<OpenOptions, 'host' | 'pull' | 'onWarning' | 'strictInput'>;
}

/**
 * Opens an image of a running engine: its documents, and the chain of the images that it was built on. Nothing is saved
 * until layers are fetched; then the engine saves the lowest image of the chain that holds them all, and its stream is
 * read as the archive that it is.
 *
 * @throws DIMGX_SOURCE_NO_ENGINE, DIMGX_SOURCE_ENGINE_*, DIMGX_SOURCE_NO_SUCH_IMAGE, DIMGX_SOURCE_AMBIGUOUS,
 *   DIMGX_SOURCE_NO_PLATFORM, DIMGX_ABORTED
 */
export async function openDaemonImage(request: DaemonRequest, context: OpenContext): Promise<Image> {
  const { openEngine } = await import('./engine/engine.js');
  const engine = await openEngine({ host: request.options.host, signal: context.signal });
  context.resources.adopt(() => engine.close());
  const details = await findOrPull(engine, request, context);
  refuseOtherPlatform(engine, details, request);
  const chain = await imageChain(engine, details);
  const steps = historySteps(await engine.history(details.id), chain);
  const layers = layersOf(details, chain, steps);
  const { created, architecture, os, variant } = details;
  return Object.freeze({
    reference: request.reference,
    source: { transport: 'docker-daemon', location: engine.location },
    id: details.id,
    tags: Object.freeze([...details.repoTags]),
    config: Object.freeze({
      ...(created && { created }),
      ...(architecture && { architecture }),
      ...(os && { os }),
      ...(variant && { variant }),
      document: details,
    }),
    ...(os && architecture && { platform: { os, architecture, ...(variant && { variant }) } }),
    layers: Object.freeze(layers),
    history: Object.freeze(historyRows(layers, steps ?? [])),
    fetch: (wanted: readonly Layer[], watch?: WatchSpool): Promise<readonly StoredLayer[]> =>
      savedLayers(engine, { chain, layers, wanted, verify: request.verify }, { ...context, watch }),
    resources: context.resources,
    close: () => context.resources.close(),
  });
}

async function findOrPull(engine: Engine, { name, platform, options }: DaemonRequest, context: OpenContext) {
  const when = options.pull ?? 'never';
  const find = async () => findImage(await engine.images(), name);
  let image = when === 'always' ? undefined : await find();
  if (!image && when !== 'never') {
    await engine.pull(name, {
      ...(platform && { platform: formatPlatform(platform) }),
      onProgress: ({ id, status, current = 0, total }) => {
        const item = printable(id ? `${id}: ${status}` : status, 80);
        context.onProgress?.({ stage: 'pull', item, done: current, total });
      },
    });
    image = await find();
  }
  const details = image && (await engine.inspect(image.id));
  if (details) return details;
  const advice = when === 'never' ? `, --pull=missing has it pulled` : '';
  throw new DimgxError('DIMGX_SOURCE_NO_SUCH_IMAGE', `${engine.location} has no image ${quoted(name)}${advice}`);
}

/** An image's config often leaves the variant out. */
function refuseOtherPlatform(
  engine: Engine,
  { os, architecture, variant }: EngineImageDetails,
  request: DaemonRequest,
) {
  const { platform, name } = request;
  if (!platform || !os || !architecture) return;
  if (platform.os === os && platform.architecture === architecture) return;
  const has = formatPlatform({ os, architecture, ...(variant && { variant }) });
  throw new DimgxError(
    'DIMGX_SOURCE_NO_PLATFORM',
    `${engine.location} has ${quoted(name)} for ${has}, not for ${formatPlatform(platform)}: --pull=always fetches it`,
  );
}

function layersOf(
  details: EngineImageDetails,
  chain: readonly EngineImageDetails[],
  steps: readonly EngineStep[] | undefined,
): readonly Layer[] {
  const makers = steps?.filter(({ madeLayer }) => madeLayer);
  const imageIds = details.diffIds.map((_, i) =>
    makers ? makers[i]?.imageId : chain.find(({ diffIds }) => diffIds.length === i + 1)?.id,
  );
  const names = layerNames(details.diffIds.map((diffId, i) => imageIds[i] ?? hexOf(diffId)));
  return details.diffIds.map((diffId, i) => {
    const [step, imageId] = [makers?.[i], imageIds[i]];
    return Object.freeze({
      diffId,
      ...(imageId && { imageId }),
      ...(step && { claimedContentSize: step.size }),
      tags: step?.tags ?? [],
      history: step?.history ?? {},
      name: names[i] as string,
    });
  });
}
