import { printable, quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { type Platform, platformOf } from '../image/platform.js';
import { fullName, normalizeImageName } from '../reference/image-name.js';
import type { Engine, EngineImage, EngineImageDetails } from './engine.js';
import { EngineRefusal } from './engine-error.js';

const MAX_LISTED = 10;

/**
 * The image that a name refers to, as docker reads names: `name[:tag]`, `name@digest`, `name:tag@digest`, an ID, or the
 * prefix of an ID. Names take precedence over IDs. A digest after a name is never read as an ID. For a short name,
 * Podman prefers its own `localhost/`.
 *
 * @param images all images of the engine
 * @returns `undefined` if no image matches
 * @throws DIMGX_SOURCE_AMBIGUOUS, which lists the candidates
 */
export function findImage(images: readonly EngineImage[], name: string): EngineImage | undefined {
  const wanted = withoutTag(name);
  const normalized = normalizeImageName(wanted);
  const isAmong = (names: readonly string[]) => names.some((each) => normalizeImageName(each) === normalized);
  const isLocal = ({ repoTags, repoDigests, fullNames }: EngineImage) =>
    normalized.startsWith(wanted) &&
    fullNames.includes(`localhost/${normalized}`) &&
    [...repoTags, ...repoDigests].includes(normalized);
  const hex = /^(?:sha256:)?([0-9a-f]+)$/.exec(wanted)?.[1];
  const readings: readonly ((image: EngineImage) => boolean)[] = [
    isLocal,
    ({ fullNames }) => isAmong(fullNames),
    ({ id }) => id === hex,
    ({ id }) => hex !== undefined && id.startsWith(hex),
  ];
  for (const reading of readings) {
    const found = new Map(images.filter(reading).map((image) => [image.id, image]));
    if (found.size > 1) throw ambiguous(name, [...found.values()]);
    for (const image of found.values()) return image;
  }
  return undefined;
}

/**
 * Whether a name refers to an image by its ID, which no registry knows.
 *
 * @param image the image that the name refers to, if there is one
 */
export function isImageId(name: string, image: EngineImage | undefined): boolean {
  if (/^(?:sha256:[0-9a-f]+|[0-9a-f]{64})$/.test(name)) return true;
  return image?.id.startsWith(name) === true && !image.repoTags.map(normalizeImageName).includes(`${name}:latest`);
}

/** A tag before a digest is ignored. */
function withoutTag(name: string): string {
  return name.replace(/:[^/:@]*@/, '@');
}

function ambiguous(name: string, images: readonly EngineImage[]): DimgxError {
  const shown = images.slice(0, MAX_LISTED).map(({ id, repoTags, fullNames }) => {
    const names = fullNames.slice(0, repoTags.length).map((tag) => printable(tag, 100));
    const tags = names.length > 0 ? ` (${names.join(', ')})` : '';
    return `${id.slice(0, 20)}${tags}`;
  });
  const more = images.length > MAX_LISTED ? `; and ${images.length - MAX_LISTED} more` : '';
  return new DimgxError(
    'DIMGX_SOURCE_AMBIGUOUS',
    `${quoted(name)} could mean several images: give more digits or a name: ${shown.join('; ')}${more}`,
  );
}

/** What an engine has for a name. */
interface LookedUp {
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
    if (!isRefusal || failure.code !== 'DIMGX_ENGINE_FAILED') throw failure;
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
