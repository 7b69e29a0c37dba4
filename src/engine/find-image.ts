import { printable, quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { normalizeImageName } from '../reference/image-name.js';
import type { EngineImage } from './engine.js';

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
