import { DimgxError } from '../errors.js';
import { type Platform, platformOf } from '../image/platform.js';
import { fullName } from '../reference/image-name.js';
import type { Engine, EngineImage, EngineImageDetails } from './engine.js';
import { EngineRefusal } from './engine-error.js';
import { findImage } from './find-image.js';

/** What an engine has of a name. */
export interface LookedUp {
  /** `undefined` when it was removed meanwhile. */
  readonly details: EngineImageDetails | undefined;
  /** `undefined` when the list does not have it. */
  readonly image: EngineImage | undefined;
  /** All that the engine lists, intermediate ones too; none when it cannot. */
  readonly images: readonly EngineImage[];
  /** What further requests for the image must choose, where the engine may have it for several platforms. */
  readonly platform: Platform | undefined;
}

/**
 * Looks a name up in the engine's list: see `findImage`. What the list does not have is asked for by its name in full,
 * under which no engine finds an ID, nor Podman the image of another registry: Podman does not list its lists of
 * manifests, and lists nothing at all when it holds one beside an image without layers.
 *
 * @param wanted the platform that the user asked for; the details are those of another where the engine lacks it
 * @returns `undefined` when it has none of that name
 * @throws DIMGX_SOURCE_AMBIGUOUS; what the engine throws
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
  throw refusal; // without the list it cannot be told what the beginning of an ID means
}

/** The details keep the ID under which the engine lists the image, whatever the platform: requests by it find the image. */
async function inspectFor(engine: Engine, id: string, wanted: Platform | undefined) {
  const chosen = wanted && (await engine.inspect(id, wanted));
  const details = chosen ?? (await engine.inspect(id));
  const platform = details?.descriptor && (chosen ? wanted : platformOfIndex(details));
  return { details: details && { ...details, id }, platform };
}

/** What the engine has chosen from an index. ARM's variant, where the config leaves it out, could be any. */
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

/** In the order in which the engine means them: of a short name, Podman means its own `localhost/` first. */
function namesInFull({ nameStyle }: Engine, name: string): readonly string[] {
  const full = fullName(name);
  if (full === undefined) return [];
  const isShort = full.startsWith('docker.io/') && !/^(?:index\.)?docker\.io\//.test(name);
  return isShort && nameStyle === 'podman' ? [`localhost/${name}`, full] : [full];
}
