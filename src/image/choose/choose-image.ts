import { printable, quoted, shortId } from '../../base/text/printable.js';
import { type Choice, DimgxError } from '../../errors.js';
import { normalizeImageName } from '../../reference/image-name.js';
import { formatPlatform } from '../platform.js';

/** One of several images in one place, as far as choosing needs to know it. */
export interface Candidate {
  /** Names that the place gives it. */
  readonly names: readonly string[];
  /** Hex digits, to match prefixes against. Candidates with the same first ID are one image. */
  readonly ids: readonly [string, ...string[]];
  /** `N` of `@N`: its position in the place's own list. */
  readonly number?: number;
}

/** What is said about a candidate besides its names. */
export type Facts = Omit<Choice, 'names'>;

/** How to choose, and how to describe the choices. */
interface ChooseRequest<C extends Candidate> {
  readonly selector: string | undefined;
  /** Name of what holds the candidates, printable. */
  readonly location: string;
  /** For the error message; called only for candidates that the message lists. */
  readonly describe: (candidate: C) => Promise<Facts>;
}

const MAX_LISTED = 20;
const MAX_NAMES_LISTED = 5;

/**
 * Chooses by `@N`, by name (`alpine` means `docker.io/library/alpine:latest`), by a tag that only one image has, or by
 * an ID or its prefix. Without a selector, takes the only candidate.
 *
 * @throws DIMGX_SOURCE_AMBIGUOUS, DIMGX_SOURCE_NO_SUCH_IMAGE, with the choices; DIMGX_SOURCE_NOT_AN_IMAGE when there is
 *   no candidate; what `describe` throws
 */
export async function chooseImage<C extends Candidate>(
  candidates: readonly C[],
  request: ChooseRequest<C>,
): Promise<C> {
  const [first, ...others] = distinctImages(matchingImages(candidates, request.selector));
  if (!first) throw await noSuchImage(candidates, request);
  if (others.length > 0) throw await ambiguousImage([first, ...others], request);
  return first;
}

/**
 * All candidates that the selector could mean; without a selector, all candidates. A name takes precedence over an ID.
 */
export function matchingImages<C extends Candidate>(
  candidates: readonly C[],
  selector: string | undefined,
): readonly C[] {
  if (selector === undefined) return candidates;
  const index = /^@(\d{1,9})$/.exec(selector)?.[1];
  if (index !== undefined) return candidates.filter(({ number }) => number === Number(index));
  const wanted = normalizeImageName(selector);
  const prefix = idPrefix(selector);
  const readings: readonly ((candidate: C) => boolean)[] = [
    ({ names }) => names.some((name) => name === selector || normalizeImageName(name) === wanted),
    ({ ids }) => prefix !== undefined && ids.includes(prefix),
    ({ names }) => isTag(selector) && names.some((name) => name.endsWith(`:${selector}`)),
    ({ ids }) => prefix !== undefined && ids.some((id) => id.startsWith(prefix)),
  ];
  for (const reading of readings) {
    const found = candidates.filter(reading);
    if (found.length > 0) return found;
  }
  return [];
}

/** Each image once, with all names that it has here. */
export function distinctImages<C extends Candidate>(candidates: readonly C[]): readonly C[] {
  const byId = new Map<string, { readonly first: C; readonly names: Set<string> }>();
  for (const candidate of candidates) {
    const known = byId.get(candidate.ids[0]);
    if (!known) byId.set(candidate.ids[0], { first: candidate, names: new Set(candidate.names) });
    else for (const name of candidate.names) known.names.add(name);
  }
  return [...byId.values()].map(({ first, names }) => ({ ...first, names: [...names] }));
}

/** The meaningful names, each once. An image without a name is saved with an empty name, or as `<none>:<none>`. */
export function realNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)].filter((name) => !/^:?$|^<none>|[:@]<none>$/.test(name));
}

/** The hex digits of a selector that may be an ID, a digest, or `name@digest`. */
export function idPrefix(selector: string): string | undefined {
  return /^(?:.*@)?(?:sha(?:256|384|512):)?([0-9a-f]+)$/s.exec(selector)?.[1];
}

function isTag(selector: string): boolean {
  return /^\w[\w.-]{0,127}$/.test(selector);
}

/** @param matching more than one candidate */
export async function ambiguousImage<C extends Candidate>(
  matching: readonly C[],
  { selector, location, describe }: ChooseRequest<C>,
): Promise<DimgxError> {
  const meant = selector === undefined ? '' : ` that ${quoted(selector)} could mean`;
  const { text, choices } = await list(matching, describe);
  const platforms = new Set(choices.map(({ platform }) => platform && formatPlatform(platform)));
  const isByPlatform = platforms.size === matching.length && !platforms.has(undefined);
  return new DimgxError('DIMGX_SOURCE_AMBIGUOUS', `${location} holds several images${meant}: ${text}`, {
    choices,
    options: isByPlatform ? ['image', 'platform'] : ['image'],
  });
}

/** @param candidates all candidates */
export async function noSuchImage<C extends Candidate>(
  candidates: readonly C[],
  { selector, location, describe }: ChooseRequest<C>,
): Promise<DimgxError> {
  if (candidates.length === 0) return new DimgxError('DIMGX_SOURCE_NOT_AN_IMAGE', `${location} holds no image`);
  const { text, choices } = await list(distinctImages(candidates), describe);
  const message = `${location} holds no image ${quoted(selector ?? '')}: it has ${text}`;
  return new DimgxError('DIMGX_SOURCE_NO_SUCH_IMAGE', message, { choices });
}

async function list<C extends Candidate>(candidates: readonly C[], describe: ChooseRequest<C>['describe']) {
  const shown = candidates.slice(0, MAX_LISTED);
  const texts: string[] = [];
  const choices: Choice[] = [];
  for (const candidate of shown) {
    const facts = await describe(candidate);
    choices.push({ names: candidate.names, ...facts });
    texts.push(formatCandidate(candidate, facts));
  }
  const more = candidates.length - shown.length;
  return { text: `${texts.join('; ')}${more > 0 ? `; and ${more} more` : ''}`, choices };
}

function formatCandidate({ names, ids, number }: Candidate, { kind, platform, isWhole }: Facts): string {
  const shown = names.slice(0, MAX_NAMES_LISTED).map((name) => printable(name, 100));
  const what = `${kind}${platform ? ` for ${formatPlatform(platform)}` : ''}${isWhole === false ? ', incomplete' : ''}`;
  const at = number === undefined ? '' : `@${number} `;
  return `${at}${printable(shortId(ids[0]), 12)} (${[...(shown.length > 0 ? [shown.join(', ')] : []), what].join('; ')})`;
}
