import { DimgxError } from '../../errors.js';
import { fullName } from '../../reference/image-name.js';
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
}

/**
 * Looks a name up in the engine's list: see `findImage`. What the list does not have is asked for by its name in full,
 * under which no engine finds an ID, nor Podman the image of another registry: Podman does not list its lists of
 * manifests, and lists nothing at all when it holds one beside an image without layers.
 *
 * @returns `undefined` when it has none of that name
 * @throws DIMGX_SOURCE_AMBIGUOUS; what the engine throws
 */
export async function lookUpImage(engine: Engine, name: string): Promise<LookedUp | undefined> {
  const { images, refusal } = await listOrRefusal(engine);
  const image = findImage(images, name);
  if (image) return { details: await engine.inspect(image.id), image, images };
  for (const full of namesInFull(engine, name)) {
    const details = await engine.inspect(full);
    if (details) return { details, image, images };
  }
  const id = /^(?:sha256:)?([0-9a-f]+)$/.exec(name)?.[1];
  if (!refusal || id === undefined) return undefined;
  const details = id.length === 64 ? await engine.inspect(id) : undefined;
  if (details?.id === id) return { details, image, images };
  throw refusal; // without the list it cannot be told what the beginning of an ID means
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
