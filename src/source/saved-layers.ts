import { lateSource } from '../base/io/byte-source.js';
import { shortId } from '../base/text/printable.js';
import type { Engine, EngineImageDetails } from '../engine/engine.js';
import { DimgxError, type Warn } from '../errors.js';
import type { Layer, StoredLayer } from '../image/image.js';
import type { OpenContext } from '../image/open-context.js';
import type { Platform } from '../image/platform.js';
import { openSource } from './files/open-files.js';
import { assembleImage } from './form/assemble-image.js';
import * as dockerArchive from './form/docker-archive.js';
import { Documents } from './form/documents.js';
import { warnOfOddities } from './warn-of-oddities.js';

/** Which layers to fetch from an image in an engine. */
export interface LayersWanted {
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
}

/** Time between progress reports while waiting for the engine, in milliseconds. */
const PERIOD = 500;

/**
 * Has the engine save the lowest image of a chain that has the wanted layers, spools the stream, and opens it as an
 * archive.
 *
 * @throws DIMGX_SOURCE_ENGINE_FAILED, DIMGX_IMAGE_DIGEST_MISMATCH when the archive contains another image, and what
 *   opening an archive throws
 */
export async function savedLayers(
  engine: Engine,
  { chain, layers, wanted, platform, verify, warn }: LayersWanted,
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
  const found = await dockerArchive.find({ ...request, warn: () => {}, tell: () => {} });
  warnOfOddities(found, warn);
  const { resources } = context;
  const saved = await assembleImage(found, {
    reference: location,
    transport: 'docker-daemon',
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
  const tell = () => onProgress?.({ stage: 'prepare', item, done: 0, total: undefined });
  tell();
  const timer = setInterval(tell, PERIOD);
  return work.finally(() => clearInterval(timer));
}

function otherImage(location: string): DimgxError {
  const message = `${location}: the engine saved other layers than it told of: try again`;
  return new DimgxError('DIMGX_IMAGE_DIGEST_MISMATCH', message);
}
