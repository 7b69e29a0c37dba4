import { DimgxError } from '../errors.js';
import { type Platform, platformOf } from '../image/platform.js';
import { fullName } from '../reference/image-name.js';
import type { Engine, EngineImage, EngineImageDetails } from './engine.js';
import { EngineRefusal } from './engine-error.js';
import { findImage } from './find-image.js';

/** What an engine has for a name. */
export interface LookedUp {
  /** `undefined` if the image was removed in the meantime. */
  readonly details: EngineImageDetails | undefined;
  /** `undefined` if the image is not in the list. */
  readonly image: EngineImage | undefined;
  /** All images in the engine's list, including intermediate ones. Empty if the engine cannot list them. */
  readonly images: readonly EngineImage[];
  /** The platform to select in further requests for the image, if the engine may have it for several. */
  readonly platform: Platform | undefined;
}

/**
 * Looks a name up in the engine's list: see `findImage`. If the list does not have it, the engine is asked for the full
 * name. A full name never matches an ID, nor, in Podman, an image of another registry. This is needed because Podman
 * does not list its manifest lists, and cannot list anything when it has one beside an image without layers.
 *
 * @param wanted the platform the user asked for; if the engine lacks it, the details are those of another platform
 * @returns `undefined` if the engine has no image of that name
 * @throws DIMGX_SOURCE_AMBIGUOUS; any error of the engine
 */
export async function lookUpImage(engine: Engine, name: string, wanted?: Platform): Promise<LookedUp | undefined> {
  const { images, refusal } = await listOrRefusal(engine);
  const image = findImage(images, name);
  if (image) return { ...(await inspectFor(engine, image.id, wanted)), image, images };
  for (const full of namesInFull(engine, name)) {
    const details = await engine.inspect(full);
    if (details) return { details, image, images, platform: undefined };
  }
  const id = /^(?:sha256:)?([0-9a-f]+)$/.exec(name)?.[1];
  if (!refusal || id === undefined) return undefined;
  const details = id.length === 64 ? await engine.inspect(id) : undefined;
  if (details?.id === id) return { details, image, images, platform: undefined };
  throw refusal; // without the list, the prefix of an ID cannot be resolved
}

/**
 * The details keep the ID from the engine's list, whatever the platform, so that requests by that ID find the image.
 */
async function inspectFor(engine: Engine, id: string, wanted: Platform | undefined) {
  const chosen = wanted && (await engine.inspect(id, wanted));
  const details = chosen ?? (await engine.inspect(id));
  const platform = details?.descriptor && (chosen ? wanted : platformOfIndex(details));
  return { details: details && { ...details, id }, platform };
}

/** The platform that the engine chose from an index. If the config omits ARM's variant, it could be any. */
function platformOfIndex(details: EngineImageDetails): Platform | undefined {
  const platform = details.descriptor?.isIndex ? platformOf(details) : undefined;
  return platform?.architecture === 'arm' && !platform.variant ? undefined : platform;
}

async function listOrRefusal(engine: Engine) {
  try {
    return { images: await engine.images(), refusal: undefined };
  } catch (failure) {
    const isRefusal = failure instanceof DimgxError && failure.cause instanceof EngineRefusal;
    if (!isRefusal || failure.code !== 'DIMGX_SOURCE_ENGINE_FAILED') throw failure;
    return { images: [], refusal: failure };
  }
}

/** In the engine's order of preference: for a short name, Podman prefers its own `localhost/`. */
function namesInFull({ nameStyle }: Engine, name: string): readonly string[] {
  const full = fullName(name);
  if (full === undefined) return [];
  const isShort = full.startsWith('docker.io/') && !/^(?:index\.)?docker\.io\//.test(name);
  return isShort && nameStyle === 'podman' ? [`localhost/${name}`, full] : [full];
}
