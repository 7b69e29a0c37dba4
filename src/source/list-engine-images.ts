import { quoted } from '../base/text/printable.js';
import type { Engine, EngineImage, EngineImageDetails } from '../engine/engine.js';
import { lookUpImage } from '../engine/look-up-image.js';
import { DimgxError } from '../errors.js';
import type { ImageList, ListedImage, OpenContext } from '../image/image.js';
import { platformOf } from '../image/platform.js';
import type { OpenOptions } from '../options.js';
import type { Transport } from './sources.js';

/** Number of images inspected in parallel. */
const AT_ONCE = 8;

/**
 * Lists the image with a given name in a running engine, or all its images except intermediate steps.
 *
 * @throws DIMGX_ENGINE_UNREACHABLE, DIMGX_ENGINE_*, DIMGX_SOURCE_NO_SUCH_IMAGE, DIMGX_SOURCE_AMBIGUOUS,
 *   DIMGX_ABORTED
 */
export async function listEngineImages(
  name: string | undefined,
  { host }: Pick<OpenOptions, 'host'>,
  { resources, signal }: OpenContext,
): Promise<Omit<ImageList, 'reference'>> {
  const { openEngine } = await import('../engine/open-engine.js');
  const engine = await openEngine({ host, signal });
  resources.adopt(() => engine.close());
  const source = { transport: 'docker-daemon' satisfies Transport, location: engine.location };
  if (name === undefined) return { source, images: await allImages(engine) };
  const found = await lookUpImage(engine, name);
  if (!found?.details) {
    throw new DimgxError('DIMGX_SOURCE_NO_SUCH_IMAGE', `${engine.location} has no image ${quoted(name)}`);
  }
  return { source, images: [listed(found.details)] };
}

async function allImages(engine: Engine): Promise<readonly ListedImage[]> {
  const all = await engine.images();
  const parents = new Set(all.map(({ parentId }) => parentId));
  const shown = all.filter(({ id, repoTags }) => repoTags.length > 0 || !parents.has(id));
  const images: ListedImage[] = [];
  for (let at = 0; at < shown.length; at += AT_ONCE) {
    const some = shown.slice(at, at + AT_ONCE);
    images.push(...(await Promise.all(some.map(async (image) => listedOf(image, await engine.inspect(image.id))))));
  }
  return images;
}

/** An image that has been removed in the meantime is listed as the engine listed it. */
function listedOf(image: EngineImage, details: EngineImageDetails | undefined): ListedImage {
  if (details) return { ...listed(details), names: image.repoTags };
  return { names: image.repoTags, kind: 'image', id: image.id, size: image.size, missing: [] };
}

function listed(details: EngineImageDetails): ListedImage {
  const { id, repoTags, size, descriptor } = details;
  const platform = platformOf(details);
  return {
    names: repoTags,
    kind: descriptor?.isIndex ? 'index' : 'image',
    id,
    size,
    ...(descriptor && { digest: descriptor.digest }),
    ...(platform && { platform }),
    ...(!descriptor && { isWhole: true }),
    missing: [],
  };
}
