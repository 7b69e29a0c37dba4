import { DimgxError } from '../../errors.js';
import { printable, quoted } from '../../image/printable.js';
import { normalizeImageName } from '../../reference/image-name.js';
import { type Candidate, matchingImages } from '../choose-image.js';
import type { EngineImage } from './engine.js';

const MAX_LISTED = 10;

/**
 * The image that a name means, as docker reads names: `name[:tag]`, `name@digest`, `name:tag@digest`, an ID or its
 * prefix. A name is preferred to an ID.
 *
 * @param images all that the engine has
 * @returns `undefined` when it has none of that name
 * @throws DIMGX_SOURCE_AMBIGUOUS, which lists the candidates
 */
export function findImage(images: readonly EngineImage[], name: string): EngineImage | undefined {
  const candidates = images.map((image): Candidate & { readonly image: EngineImage } => ({
    names: [...image.repoTags, ...image.repoDigests],
    ids: [image.id],
    image,
  }));
  // An engine's images have no order, and so no numbers.
  const matching = name.startsWith('@') ? [] : matchingImages(candidates, withoutTag(name));
  const found = new Map(matching.map(({ image }) => [image.id, image]));
  if (found.size > 1) throw ambiguous(name, [...found.values()]);
  return [...found.values()][0];
}

/**
 * Whether a name means an image by its ID, which no registry knows.
 *
 * @param image that the name means, if there is one
 */
export function isImageId(name: string, image: EngineImage | undefined): boolean {
  if (/^(?:sha256:[0-9a-f]+|[0-9a-f]{64})$/.test(name)) return true;
  return image?.id.startsWith(name) === true && !image.repoTags.map(normalizeImageName).includes(`${name}:latest`);
}

/** Beside a digest a tag counts for nothing. */
function withoutTag(name: string): string {
  return name.replace(/:[^/:@]*@/, '@');
}

function ambiguous(name: string, images: readonly EngineImage[]): DimgxError {
  const shown = images.slice(0, MAX_LISTED).map(({ id, repoTags }) => {
    const tags = repoTags.length > 0 ? ` (${repoTags.map((tag) => printable(tag, 100)).join(', ')})` : '';
    return `${id.slice(0, 20)}${tags}`;
  });
  const more = images.length > MAX_LISTED ? `; and ${images.length - MAX_LISTED} more` : '';
  return new DimgxError(
    'DIMGX_SOURCE_AMBIGUOUS',
    `${quoted(name)} could mean several images: give more digits or a name: ${shown.join('; ')}${more}`,
  );
}
