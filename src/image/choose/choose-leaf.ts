import type { Warn } from '../../errors.js';
import type { Blobs, Descriptor } from '../manifest.js';
import { defaultPlatform, isSamePlatform, type Platform, platformOf, rankOf } from '../platform.js';
import { type ExaminedManifest, examineManifest, isDamaged, isWhole } from './examine-manifest.js';
import { incomplete, noneIsAnImage, noPlatform, otherPlatform, passedOver } from './leaf-messages.js';
import { isImageKind, kindOfDescriptor } from './manifest-kind.js';
import type { Leaf } from './manifest-leaves.js';

/** What to choose from an index. */
export interface LeafRequest {
  /** Name of what holds the images, printable. */
  readonly location: string;
  /** The platform that was asked for, if any. */
  readonly wanted: Platform | undefined;
  readonly store: Blobs;
  /** Receives warnings about the request, which never become errors. */
  readonly warnOnly: Warn;
}

interface ChosenLeaf {
  readonly descriptor: Descriptor;
  /** The index declares that it is for the platform, so what its config says does not matter. */
  readonly isDeclared: boolean;
}

/**
 * Chooses the image for the platform that was asked for, or else for this machine. It goes by what the index says, and
 * by the configs where the index says nothing. Anything that is not an image is passed over, and so are images that
 * need OS features while there is an ordinary one. If no platform was asked for, an image that is not whole gives way
 * to the only one that is, and an only platform is taken even if it is another one. Both give the warning
 * DIMGX_SOURCE_OTHER_PLATFORM.
 *
 * @throws DIMGX_SOURCE_NO_PLATFORM, DIMGX_SOURCE_MISSING_BLOB, DIMGX_SOURCE_NOT_AN_IMAGE, with the choices; the problem
 *   of the only image for the platform
 */
export async function chooseLeaf(leaves: readonly Leaf[], request: LeafRequest): Promise<ChosenLeaf> {
  const { wanted, warnOnly, location } = request;
  const candidates = possibleImages(leaves, location);
  const [only, ...others] = candidates;
  if (only && others.length === 0 && !declared(only) && !only.problem) return chosen(only.descriptor, false);
  const target = wanted ?? defaultPlatform();
  const fitting = inOrder(candidates, target, declared);
  const tried: ExaminedManifest[] = [];
  for (const [index, leaf] of fitting.entries()) {
    const examined = await examine(leaf, request);
    if (isImageKind(examined.kind) && isWhole(examined)) {
      const damaged = tried.find(({ kind }) => isImageKind(kind));
      if (damaged) warnOnly(passedOver(damaged, examined, location));
      return chosen(leaf.descriptor, true);
    }
    tried.push(examined);
    // An older variant does not replace the right one when that is damaged, or when the platform was asked for.
    const next = fitting[index + 1];
    const isStrict = wanted !== undefined || isDamaged(examined);
    if (next && isStrict && isImageKind(examined.kind) && !isAsGood(leaf, next, target)) break;
  }
  const rest = await examineRest(candidates, tried, request);
  return chooseElse(tried, rest, { ...request, target });
}

/** The leaves that could be images, by their descriptors; if there are none, all manifests. */
function possibleImages(leaves: readonly Leaf[], location: string): readonly Leaf[] {
  const kinds = leaves.map(({ descriptor }) => kindOfDescriptor(descriptor));
  const images = leaves.filter((leaf, index) => leaf.problem || isImageKind(kinds[index]));
  if (images.length > 0) return images;
  const manifests = leaves.filter((_, index) => kinds[index] !== 'layer' && kinds[index] !== 'BuildKit cache');
  if (manifests.length === 0 && leaves.length > 0) throw noneIsAnImage(leaves.map(unexamined), location);
  return manifests;
}

/**
 * Examines the other candidates as far as useful. In a registry, each one takes a request that may count against a
 * limit, and the index declares the platforms of most of them.
 */
async function examineRest(
  candidates: readonly Leaf[],
  tried: readonly ExaminedManifest[],
  request: LeafRequest,
): Promise<readonly ExaminedManifest[]> {
  const left = candidates.filter(({ descriptor }) => tried.every((each) => each.descriptor !== descriptor));
  const all = request.store.isNear || left.length === 1 || (!request.wanted && tried.length > 0);
  const rest: ExaminedManifest[] = [];
  for (const leaf of left) rest.push(all || !declared(leaf) ? await examine(leaf, request) : unexamined(leaf));
  return rest;
}

/** Chooses when no image that the index declares for the platform is whole. */
function chooseElse(
  tried: readonly ExaminedManifest[],
  rest: readonly ExaminedManifest[],
  request: LeafRequest & { readonly target: Platform },
): ChosenLeaf {
  const { location, wanted, target, warnOnly } = request;
  const all = [...tried, ...rest];
  const images = imagesAmong(all);
  if (images.length === 0 && all.length > 0) throw noneIsAnImage(all, location);
  const [first] = tried.filter((each) => images.includes(each));
  const [alone, ...others] = images;
  if (first && isDamaged(first)) throw first.problem;
  if (alone?.problem && others.length === 0) throw alone.problem;
  const whole = images.filter(isWhole);
  const [byConfig] = inOrder(first ? [] : whole, target, ({ platform }) => platform);
  if (byConfig) return chosen(byConfig.descriptor, false);
  const [only, ...more] = differentPlatforms(whole.length > 0 ? whole : images);
  if (!wanted && only && more.length === 0 && !only.problem) {
    if (only !== first) warnOnly(otherPlatform(only.platform, location, target, first));
    return chosen(only.descriptor, false);
  }
  if (!first) throw noPlatform(images, location, target);
  if (first.problem || (!wanted && whole.length > 0)) throw incomplete(first, images, location);
  // Its documents can be read. Which of its layers are needed is not known yet.
  if (whole.length > 0) warnOnly(passedOver(first, undefined, location));
  return chosen(first.descriptor, declaredBy(first.descriptor) !== undefined);
}

/** Ordinary images; if there are none, images that refer to another. */
function imagesAmong(all: readonly ExaminedManifest[]): readonly ExaminedManifest[] {
  const images = all.filter(({ kind }) => isImageKind(kind));
  return images.length > 0 ? images : all.filter(({ kind }) => kind === 'referrer');
}

/** The images that run on the platform, best first. Images that need OS features come last. */
function inOrder<T extends { readonly descriptor: Descriptor }>(
  all: readonly T[],
  target: Platform,
  platformOfOne: (one: T) => Platform | undefined,
): readonly T[] {
  const ranked = all.flatMap((one) => {
    const platform = platformOfOne(one);
    const rank = platform && rankOf(target, platform);
    return rank === undefined ? [] : [{ one, rank, wantsFeatures: wantsFeatures(one) }];
  });
  return ranked
    .sort((a, b) => Number(a.wantsFeatures) - Number(b.wantsFeatures) || b.rank - a.rank)
    .map(({ one }) => one);
}

function isAsGood(one: Leaf, other: Leaf, target: Platform): boolean {
  const [rank, others] = [one, other].map((leaf) => rankOf(target, declared(leaf) ?? target));
  return rank === others && wantsFeatures(one) === wantsFeatures(other);
}

function wantsFeatures({ descriptor }: { readonly descriptor: Descriptor }): boolean {
  return (descriptor.platform?.['os.features'] ?? []).length > 0;
}

/**
 * The first image for each platform, ordinary images before those that need OS features. Two images that do not declare
 * a platform count as different.
 */
function differentPlatforms(images: readonly ExaminedManifest[]): readonly ExaminedManifest[] {
  const first: ExaminedManifest[] = [];
  const ordinary = images.filter((image) => !wantsFeatures(image));
  for (const image of [...ordinary, ...images.filter(wantsFeatures)]) {
    const { platform } = image;
    const isNew = first.every((other) => !platform || !other.platform || !isSamePlatform(platform, other.platform));
    if (isNew) first.push(image);
  }
  return first;
}

async function examine({ descriptor, problem }: Leaf, { store }: LeafRequest): Promise<ExaminedManifest> {
  if (!problem) return examineManifest(descriptor, store);
  const missing = problem.code === 'DIMGX_SOURCE_MISSING_BLOB' ? [descriptor.digest] : [];
  return { ...unexamined({ descriptor }), problem, missing };
}

function unexamined({ descriptor }: Pick<Leaf, 'descriptor'>): ExaminedManifest {
  const platform = declaredBy(descriptor);
  const { digest } = descriptor;
  const kind = kindOfDescriptor(descriptor);
  return { descriptor, digest, kind, missing: [], isUnseen: true, ...(platform && { platform }) };
}

function declared({ descriptor }: Leaf): Platform | undefined {
  return declaredBy(descriptor);
}

function declaredBy({ platform }: Descriptor): Platform | undefined {
  return platformOf(platform);
}

function chosen(descriptor: Descriptor, isDeclared: boolean): ChosenLeaf {
  return { descriptor, isDeclared };
}
