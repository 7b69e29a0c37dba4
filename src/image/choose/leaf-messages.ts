import { printable, quoted } from '../../base/text/printable.js';
import { type Choice, DimgxError, type ErrorDetails, type Warning } from '../../errors.js';
import { formatPlatform, isNameable, type Platform } from '../platform.js';
import { type Examined, isDamaged, isWhole, knownWhole } from './examine-manifest.js';
import { withArticle } from './manifest-kind.js';

const MAX_LISTED = 20;

/** An image of an index, as a choice that an error offers. */
function choiceOf(examined: Examined): Choice {
  const { kind, platform, digest } = examined;
  const whole = knownWhole(examined);
  return { names: [], kind, ...(platform && { platform }), digest, ...(whole !== undefined && { isWhole: whole }) };
}

export function noPlatform(images: readonly Examined[], location: string, target: Platform): DimgxError {
  const advice = images.length > 0 ? `; it has ${offered(images)}` : ' or any other platform';
  const message = `${location} has no image for ${formatPlatform(target)}${advice}`;
  return new DimgxError('DIMGX_SOURCE_NO_PLATFORM', message, {
    choices: images.map(choiceOf),
    ...platformAdvice(images),
  });
}

export function incomplete(image: Examined, images: readonly Examined[], location: string): DimgxError {
  const what = `${location} does not have all blobs of ${described(image)}${missed(image)}`;
  const message = `${what}; it has ${offered(images)}; save it again for all platforms`;
  return new DimgxError('DIMGX_SOURCE_MISSING_BLOB', message, {
    choices: images.map(choiceOf),
    ...platformAdvice(images),
    ...(image.problem && { cause: image.problem }),
  });
}

export function noneIsAnImage(all: readonly Examined[], location: string): DimgxError {
  const kinds = [...new Set(all.map(({ kind }) => kind))];
  const isCache = kinds.includes('BuildKit cache');
  const what = isCache ? 'a cache that BuildKit exported' : `no image, but ${listed(kinds.map(withArticle))}`;
  const advice = isCache ? ', not an image: build with --output, or push the image itself' : '';
  const message = isCache ? `${location} is ${what}${advice}` : `${location} holds ${what}`;
  return new DimgxError('DIMGX_SOURCE_NOT_AN_IMAGE', message, { choices: all.slice(0, MAX_LISTED).map(choiceOf) });
}

/**
 * @param taken platform of the image that is taken, if it is known
 * @param first the image for this machine, if one is listed but is not whole
 */
export function otherPlatform(
  taken: Platform | undefined,
  location: string,
  target: Platform,
  first?: Examined,
): Warning {
  const why = first
    ? `${location} does not have all blobs of ${described(first)}${missed(first)}`
    : `${location} has no image for ${formatPlatform(target)}`;
  const message = `${why}: ${described({ platform: taken })}, the only one there, is used`;
  return { code: 'DIMGX_SOURCE_OTHER_PLATFORM', message, count: 1 };
}

/** @param taken the image that is used instead, if any */
export function passedOver(image: Examined, taken: Examined | undefined, location: string): Warning {
  const which = `${described(image)} (${short(image)})`;
  const what = isDamaged(image)
    ? `${location} has ${which}, which cannot be read: ${image.problem?.message}`
    : `${location} does not have all of ${which}${missed(image)}`;
  const message = taken ? `${what}: ${described(taken)} (${short(taken)}) is used instead` : what;
  return { code: 'DIMGX_SOURCE_IMAGE_SKIPPED', message, count: 1 };
}

function platformAdvice(images: readonly Examined[]): ErrorDetails {
  return images.some(isWhole) ? { options: ['platform'] } : {};
}

/** The platforms of the images that are whole, as the option `platform` takes them, then those of the others. */
function offered(images: readonly Examined[]): string {
  const there = images.filter(isWhole);
  const absent = images.filter((image) => !isWhole(image));
  const names = listed([...new Set(there.map(platformName))]) || 'no image at all';
  return absent.length === 0 ? names : `${names} (and incomplete: ${listed([...new Set(absent.map(platformName))])})`;
}

function platformName(image: Examined): string {
  if (!image.platform) return `an unnamed one (${short(image)})`;
  const name = formatPlatform(image.platform);
  return isNameable(image.platform) ? name : `${name} (${short(image)})`;
}

function described({ platform }: { readonly platform?: Platform | undefined }): string {
  return platform ? `the image for ${formatPlatform(platform)}` : 'the image for an unnamed platform';
}

function missed({ missing }: Examined): string {
  return missing[0] === undefined ? '' : `: ${quoted(missing[0])} is missing`;
}

function short({ digest }: Examined): string {
  return printable(digest.replace(/^[^:]*:/, '').slice(0, 12), 12);
}

function listed(names: readonly string[]): string {
  const more = names.length - MAX_LISTED;
  return `${names.slice(0, MAX_LISTED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
