import { DimgxError } from '../errors.js';
import { printable, quoted } from '../image/printable.js';
import { shortId } from '../image/short-id.js';
import { normalizeImageName } from '../reference/image-name.js';

/** An image among several in one place, as far as choosing needs to know it. */
export interface Candidate {
  /** As the place names it. */
  readonly names: readonly string[];
  /** Hex digits, for prefixes. Candidates whose first ID is the same are one image. */
  readonly ids: readonly [string, ...string[]];
}

const MAX_LISTED = 20;
const MAX_NAMES_LISTED = 5;

/**
 * Chooses by `@N`, by name (`alpine` is `docker.io/library/alpine:latest`), or by an ID or its prefix; without a
 * selector, the only candidate.
 *
 * @param location what holds the candidates, printable
 * @throws DIMGX_SOURCE_AMBIGUOUS, DIMGX_SOURCE_NO_SUCH_IMAGE; DIMGX_SOURCE_NOT_AN_IMAGE when there is no candidate
 */
export function chooseImage<C extends Candidate>(
  candidates: readonly C[],
  selector: string | undefined,
  location: string,
): C {
  const matching = matchingImages(candidates, selector);
  const [first, ...others] = matching;
  if (!first) throw noSuchImage(candidates, selector, location);
  if (others.every(({ ids }) => ids[0] === first.ids[0])) return first;
  throw ambiguous(matching, candidates, selector, location);
}

/** All that the selector could mean; all there are when there is no selector. A name is preferred to an ID. */
export function matchingImages<C extends Candidate>(
  candidates: readonly C[],
  selector: string | undefined,
): readonly C[] {
  if (selector === undefined) return candidates;
  const index = /^@(\d{1,9})$/.exec(selector)?.[1];
  if (index !== undefined) return candidates.slice(Number(index), Number(index) + 1);
  const wanted = normalizeImageName(selector);
  const named = candidates.filter(({ names }) =>
    names.some((name) => name === selector || normalizeImageName(name) === wanted),
  );
  const prefix = idPrefix(selector);
  if (named.length > 0 || prefix === undefined) return named;
  const exact = candidates.filter(({ ids }) => ids.includes(prefix));
  return exact.length > 0 ? exact : candidates.filter(({ ids }) => ids.some((id) => id.startsWith(prefix)));
}

/** The hex digits of a selector that can be an ID, a digest, or `name@digest`. */
export function idPrefix(selector: string): string | undefined {
  return /^(?:.*@)?(?:sha(?:256|384|512):)?([0-9a-f]+)$/s.exec(selector)?.[1];
}

function ambiguous(
  matching: readonly Candidate[],
  all: readonly Candidate[],
  selector: string | undefined,
  location: string,
): DimgxError {
  const meant = selector === undefined ? '' : ` that ${quoted(selector)} could mean`;
  return new DimgxError(
    'DIMGX_SOURCE_AMBIGUOUS',
    `${location} holds several images${meant}: choose one with --image, by name, ID or @N: ${list(matching, all)}`,
  );
}

function noSuchImage(candidates: readonly Candidate[], selector: string | undefined, location: string): DimgxError {
  if (candidates.length === 0) return new DimgxError('DIMGX_SOURCE_NOT_AN_IMAGE', `${location} holds no image`);
  return new DimgxError(
    'DIMGX_SOURCE_NO_SUCH_IMAGE',
    `${location} holds no image ${quoted(selector ?? '')}: it has ${list(candidates, candidates)}`,
  );
}

/** @param all gives each its number */
function list(candidates: readonly Candidate[], all: readonly Candidate[]): string {
  const shown = candidates.slice(0, MAX_LISTED).map((candidate) => {
    const names = candidate.names.slice(0, MAX_NAMES_LISTED).map((name) => printable(name, 100));
    const suffix = names.length > 0 ? ` (${names.join(', ')})` : '';
    return `@${all.indexOf(candidate)} ${shortId(candidate.ids[0])}${suffix}`;
  });
  const more = candidates.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
