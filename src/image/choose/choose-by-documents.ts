import { DimgxError, type Warn } from '../../errors.js';
import { defaultPlatform, formatPlatform, isSamePlatform, type Platform, rankOf } from '../platform.js';
import { ambiguousImage, type Candidate, type Facts } from './choose-image.js';
import { type Examined, isDamaged, isWhole } from './examine-manifest.js';
import { noneIsAnImage, passedOver } from './leaf-messages.js';
import { isImageKind } from './manifest-kind.js';

/** What the documents of a candidate say; for an index, what the documents of its images say. */
export interface Looked {
  readonly seen: Examined;
  /** The platforms that it is for, or has images for; empty if nothing says so. */
  readonly platforms: readonly Platform[];
}

interface DocumentsRequest<C extends Candidate> {
  readonly selector: string | undefined;
  /** Name of what holds the candidates, printable. */
  readonly location: string;
  /** The platform that was asked for, if any. */
  readonly wanted: Platform | undefined;
  readonly warnOnly: Warn;
  readonly look: (candidate: C) => Promise<Looked>;
}

interface LookedAt<C extends Candidate> extends Looked {
  readonly candidate: C;
}

/**
 * Chooses among several candidates by what their documents say. Anything that is not an image is passed over. A
 * platform that was asked for must be that of a single image. Images that their names do not tell apart are chosen by
 * the machine's platform, and by which of them is whole. An image that is not whole and has no name of its own is
 * passed over.
 *
 * @returns one candidate, or several from which the platform chooses
 * @throws DIMGX_SOURCE_AMBIGUOUS, DIMGX_SOURCE_NO_PLATFORM, DIMGX_SOURCE_NOT_AN_IMAGE, with the choices
 */
export async function chooseByDocuments<C extends Candidate>(
  candidates: readonly C[],
  request: DocumentsRequest<C>,
): Promise<readonly C[]> {
  if (candidates.length === 1) return candidates;
  const { selector, location, wanted, warnOnly } = request;
  const all: LookedAt<C>[] = [];
  for (const candidate of candidates) all.push({ candidate, ...(await request.look(candidate)) });
  let left = imagesAmong(all, location);
  if (wanted) left = forPlatform(left, wanted, location);
  const only = onlyWhole(left);
  if (only) {
    for (const { seen } of left) if (seen !== only.seen) warnOnly(passedOver(seen, only.seen, location));
    left = [only];
  } else if (left.length > 1 && haveOneName(left) && arePlatforms(left)) return left.map(({ candidate }) => candidate);
  const [chosen, ...more] = left;
  if (chosen && more.length === 0) return [chosen.candidate];
  const facts = new Map(left.map((each) => [each.candidate, factsOf(each)]));
  const describe = async (candidate: C) => facts.get(candidate) ?? { kind: 'image' };
  throw await ambiguousImage([...facts.keys()], { selector, location, describe });
}

/** What an error says about a candidate. */
export function factsOf({ seen, platforms }: Looked): Facts {
  const [platform, ...others] = platforms;
  const isOne = platform !== undefined && others.length === 0;
  return { kind: seen.kind, ...(isOne && { platform }), digest: seen.digest, isWhole: isWhole(seen) };
}

/** Ordinary images; if there are none, images that refer to another. */
function imagesAmong<C extends Candidate>(all: readonly LookedAt<C>[], location: string): readonly LookedAt<C>[] {
  const images = all.filter(({ seen }) => isImageKind(seen.kind));
  if (images.length > 0) return images;
  const referrers = all.filter(({ seen }) => seen.kind === 'referrer');
  if (referrers.length > 0) return referrers;
  throw noneIsAnImage(
    all.map(({ seen }) => seen),
    location,
  );
}

/** The candidates that fit the platform best. Candidates of unknown platform count only if no other fits. */
function forPlatform<C extends Candidate>(
  all: readonly LookedAt<C>[],
  wanted: Platform,
  location: string,
): readonly LookedAt<C>[] {
  const rank = ({ platforms }: Looked) => Math.max(-1, ...platforms.map((each) => rankOf(wanted, each) ?? -1));
  const best = Math.max(...all.map(rank));
  if (best >= 0) return all.filter((each) => rank(each) === best);
  const unknown = all.filter(({ platforms }) => platforms.length === 0);
  if (unknown.length > 0) return unknown;
  const choices = all.map((each) => ({ names: each.candidate.names, ...factsOf(each) }));
  const has = [...new Set(all.flatMap(({ platforms }) => platforms.map(formatPlatform)))].slice(0, 20).join(', ');
  const message = `${location} has no image for ${formatPlatform(wanted)}; it has ${has}`;
  throw new DimgxError('DIMGX_SOURCE_NO_PLATFORM', message, { choices, options: ['platform'] });
}

/**
 * The only candidate that is whole. It does not replace one with another name, or a damaged one for another platform.
 */
function onlyWhole<C extends Candidate>(all: readonly LookedAt<C>[]): LookedAt<C> | undefined {
  const [only, ...others] = all.filter(({ seen }) => isWhole(seen));
  if (!only || others.length > 0) return undefined;
  const { names } = only.candidate;
  const isNamed = all.some(({ candidate }) => candidate.names.some((name) => !names.includes(name)));
  const isNeeded = ({ seen, platforms }: Looked) =>
    isDamaged(seen) && platforms.some((one) => !only.platforms.some((other) => isSamePlatform(one, other)));
  return isNamed || all.some(isNeeded) ? undefined : only;
}

function haveOneName(all: readonly LookedAt<Candidate>[]): boolean {
  return new Set(all.map(({ candidate }) => candidate.names.join('\n'))).size === 1;
}

/** Whether these are images with one name, each for a different platform, and one of them for this machine. */
function arePlatforms(all: readonly LookedAt<Candidate>[]): boolean {
  const platforms = all.map((each) => (each.seen.kind === 'image' ? each.platforms[0] : undefined));
  const isNamed = all.every(({ candidate }) => candidate.names.length > 0);
  const areDifferent = platforms.every((one, i) =>
    platforms.slice(0, i).every((other) => one && other && !isSamePlatform(one, other)),
  );
  const serves = platforms.some((one) => one && rankOf(defaultPlatform(), one) !== undefined);
  return isNamed && areDifferent && serves;
}
