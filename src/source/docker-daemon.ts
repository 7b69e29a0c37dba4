import { lateSource } from '../base/io/byte-source.js';
import { quoted, shortId } from '../base/text/printable.js';
import type { Engine, EngineImageDetails } from '../engine/engine.js';
import { type EngineStep, historySteps, imageChain } from '../engine/image-history.js';
import { isImageId, lookUpImage } from '../engine/look-up-image.js';
import { DimgxError, type ErrorDetails, inputWarner, type Warn, type Warning } from '../errors.js';
import { historyRows, layerNames } from '../image/history.js';
import type { ImageDocuments, OpenContext, OpenedImage } from '../image/image.js';
import type { Layer, StoredLayer } from '../image/layer.js';
import { environmentPlatform, formatPlatform, isSameMachine, type Platform, platformOf } from '../image/platform.js';
import type { OpenOptions } from '../options.js';
import { hexOf } from '../reference/digest.js';
import { fullName } from '../reference/image-name.js';
import { engineLayers } from './engine-layers.js';
import { openSource } from './files/open-files.js';
import { assembleImage, warnOfOddities } from './form/assemble-image.js';
import * as dockerArchive from './form/docker-archive.js';
import { Documents } from './form/documents.js';
import type { Transport } from './sources.js';

const TRANSPORT: Transport = 'docker-daemon';

/** What to open in an engine. */
interface DaemonRequest {
  /** As given by the user. */
  readonly reference: string;
  /** A name, an ID or its prefix. */
  readonly name: string;
  /** Set if that is how a container is named: its name or ID. The engine has no such container. */
  readonly container?: string;
  /** The platform that was asked for, if any. */
  readonly platform: Platform | undefined;
  readonly verify: boolean;
  readonly options: Pick<OpenOptions, 'host' | 'pull' | 'onWarning' | 'onInfo' | 'strictInput' | 'authFile'>;
}

/**
 * Opens an image of a running engine: its documents, and the chain of images that it was built on. Nothing is saved
 * until layers are fetched, and nothing at all if they can be read from the engine's storage. Else the engine saves the
 * lowest image of the chain that has them all, and the stream is read as an archive.
 *
 * @throws DIMGX_ENGINE_UNREACHABLE, DIMGX_ENGINE_*, DIMGX_SOURCE_NO_SUCH_IMAGE, DIMGX_SOURCE_AMBIGUOUS,
 *   DIMGX_SOURCE_NO_PLATFORM, DIMGX_REFERENCE_INVALID, DIMGX_ABORTED
 */
export async function openDaemonImage(request: DaemonRequest, context: OpenContext): Promise<OpenedImage> {
  const { openEngine } = await import('../engine/open-engine.js');
  const engine = await openEngine({ host: request.options.host, signal: context.signal });
  context.resources.adopt(() => engine.close());
  const { details, images, platform: chosen } = await findOrPull(engine, request, context);
  refuseOtherPlatform(engine, details, request);
  const [history, chain] = await Promise.all([engine.history(details.id, chosen), imageChain(engine, details, images)]);
  const steps = historySteps(history, chain);
  const layers = layersOf(details, chain, steps);
  const { created, architecture, os, variant } = details;
  const platform = platformOf(details);
  let documents: ImageDocuments = {};
  const onDocuments = (found: ImageDocuments) => {
    documents = found;
  };
  return Object.freeze({
    reference: request.reference,
    source: { transport: TRANSPORT, location: engine.location },
    id: details.id,
    ...(details.descriptor && !details.descriptor.isIndex && { manifestDigest: details.descriptor.digest }),
    tags: Object.freeze([...details.repoTags]),
    config: Object.freeze({
      ...(created && { created }),
      ...(architecture && { architecture }),
      ...(os && { os }),
      ...(variant && { variant }),
      document: details,
    }),
    ...(platform && { platform }),
    layers: Object.freeze(layers),
    history: Object.freeze(historyRows(layers, steps ?? [])),
    fetch: engineLayers(engine, {
      image: { id: details.id, diffIds: details.diffIds, layers },
      mayUseStorage: request.verify && details.descriptor === undefined,
      save: (wanted, watch) =>
        savedLayers(
          engine,
          {
            ...{ chain, layers, wanted, platform: chosen, verify: request.verify },
            warn: inputWarner(request.options),
            onDocuments,
          },
          { ...context, watch: watch?.spool },
        ),
      inform: (message) => request.options.onInfo?.(message),
      onDocuments,
      context,
    }),
    documents: () => documents,
    resources: context.resources,
    close: () => context.resources.close(),
    [Symbol.asyncDispose]: () => context.resources.close(),
  });
}

/**
 * As in docker, an image for a platform other than the wanted one counts as missing. `DOCKER_DEFAULT_PLATFORM` is only
 * a preference: if the engine lacks that platform and nothing is pulled, the engine's own choice is taken.
 */
async function findOrPull(engine: Engine, request: DaemonRequest, context: OpenContext) {
  const { name, options } = request;
  const platform = request.platform ?? environmentPlatform(process.env);
  const when = options.pull ?? 'never';
  let found = await lookUpImage(engine, name, platform);
  const isThere = found?.details && isForPlatform(found.details, platform);
  if (when === 'always' || (when === 'missing' && !isThere)) {
    if (isImageId(name, found?.image)) throw idRefused(engine, name, found !== undefined);
    const { pullThroughEngine } = await import('../engine/pull-through-engine.js');
    const { authFile, onInfo: inform } = options;
    const warn = (warning: Warning) => options.onWarning?.(warning);
    await pullThroughEngine(engine, { name, platform, authFile, warn, inform }, context);
    found = await lookUpImage(engine, name, platform);
  }
  if (found?.details) return { ...found, details: found.details };
  if (when === 'never' && request.container !== undefined) {
    const message = `${engine.location} has no container ${quoted(request.container)}`;
    throw new DimgxError('DIMGX_SOURCE_NO_SUCH_IMAGE', message);
  }
  const details: ErrorDetails = when === 'never' && canBePulled(name) ? { options: ['pull'] } : {};
  throw new DimgxError('DIMGX_SOURCE_NO_SUCH_IMAGE', `${engine.location} has no image ${quoted(name)}`, details);
}

/** Judges by the name alone: a string of as many hex digits as engines show of an ID is hardly a name. */
function canBePulled(name: string): boolean {
  return fullName(name) !== undefined && !/^(?:sha256:[0-9a-f]+|[0-9a-f]{12,})$/.test(name);
}

function idRefused(engine: Engine, name: string, isThere: boolean): DimgxError {
  if (!isThere) {
    const message = `${engine.location} has no image ${quoted(name)}, and an image cannot be pulled by its ID: use its name`;
    return new DimgxError('DIMGX_SOURCE_NO_SUCH_IMAGE', message);
  }
  const message = `${quoted(name)} is the ID of an image, and an image cannot be pulled by its ID: use its name, or do not pull`;
  return new DimgxError('DIMGX_REFERENCE_INVALID', message);
}

/** An image's config often omits the variant. */
function isForPlatform(details: EngineImageDetails, wanted: Platform | undefined): boolean {
  const platform = platformOf(details);
  return !wanted || !platform || isSameMachine(wanted, platform);
}

function refuseOtherPlatform(engine: Engine, details: EngineImageDetails, request: DaemonRequest) {
  const { platform, name, options } = request;
  const has = platformOf(details);
  if (!platform || !has || isForPlatform(details, platform)) return;
  const mayPull = (options.pull ?? 'never') === 'never' && canBePulled(name);
  throw new DimgxError(
    'DIMGX_SOURCE_NO_PLATFORM',
    `${engine.location} has ${quoted(name)} for ${formatPlatform(has)}, not for ${formatPlatform(platform)}`,
    mayPull ? { options: ['pull'] } : {},
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

/** Which layers to fetch from an image in an engine. */
interface LayersWanted {
  /** Oldest first, the image itself last. */
  readonly chain: readonly EngineImageDetails[];
  /** All layers of the image, oldest first. */
  readonly layers: readonly Layer[];
  readonly wanted: readonly Layer[];
  /** Chooses the platform if the engine may have the image for several. */
  readonly platform: Platform | undefined;
  readonly verify: boolean;
  /** Receives warnings about the image, which may be turned into errors. */
  readonly warn: Warn;
  /** Receives the documents of the image that was saved. */
  readonly onDocuments: (documents: ImageDocuments) => void;
}

/** Time between progress reports while waiting for the engine, in milliseconds. */
const PERIOD = 500;

/**
 * Has the engine save the lowest image of a chain that has the wanted layers, spools the stream, and opens it as an
 * archive.
 *
 * @throws DIMGX_ENGINE_FAILED, DIMGX_IMAGE_DIGEST_MISMATCH when the archive contains another image, and what
 *   opening an archive throws
 */
async function savedLayers(
  engine: Engine,
  { chain, layers, wanted, platform, verify, warn, onDocuments }: LayersWanted,
  context: OpenContext,
): Promise<readonly StoredLayer[]> {
  const positions = wanted.map((layer) => layers.indexOf(layer));
  const count = Math.max(...positions) + 1;
  const lowest = chain.find(({ diffIds }) => diffIds.length >= count);
  if (wanted.length === 0 || !lowest) return [];
  const location = `${engine.location} ${shortId(lowest.id)}`;
  // The engine is asked only after the spool is open, so that the reader that follows the spool is ready before any
  // report.
  const archive = lateSource(() => whileWaiting(engine.save(lowest.id, platform), location, context));
  const files = await openSource(archive, location, { ...context, expected: lowest.size });
  const request = { documents: new Documents(files), selector: undefined, wanted: platform, verify };
  const found = await dockerArchive.find({ ...request, warn: () => {}, warnOnly: () => {} });
  warnOfOddities(found, warn);
  if (lowest === chain.at(-1)) onDocuments({ ...found.documents, config: found.config.bytes });
  const { resources } = context;
  const saved = await assembleImage(found, {
    reference: location,
    transport: TRANSPORT,
    files,
    resources,
    verify,
  });
  const chosen = positions.map((position) => saved.layers[position]);
  if (chosen.some((layer, i) => layer?.diffId !== wanted[i]?.diffId)) throw otherImage(location);
  const stored = await saved.fetch(chosen.filter((layer) => layer !== undefined));
  return wanted.map((layer, i) => {
    const { blob, compression, mediaType, digest, claimedSize } = stored[i] as StoredLayer;
    return {
      ...layer,
      ...{ blob, compression },
      ...(mediaType && { mediaType }),
      ...(digest && { digest }),
      ...(claimedSize !== undefined && { claimedSize }),
    };
  });
}

/**
 * Reports progress while waiting. Engines write temporary files first: for a large image, nothing arrives for most of a
 * minute.
 */
async function whileWaiting<T>(work: Promise<T>, item: string, { onProgress }: OpenContext): Promise<T> {
  const report = () => onProgress?.({ stage: 'prepare', item, done: 0, total: undefined });
  report();
  const timer = setInterval(report, PERIOD);
  return work.finally(() => clearInterval(timer));
}

function otherImage(location: string): DimgxError {
  const message = `${location}: the engine saved other layers than it listed: try again`;
  return new DimgxError('DIMGX_IMAGE_DIGEST_MISMATCH', message);
}
