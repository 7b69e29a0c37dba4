import { printable, quoted } from '../../base/text/printable.js';
import { DimgxError, inputWarner } from '../../errors.js';
import { checkDigest } from '../../image/checks.js';
import { chooseImage, matchingImages } from '../../image/choose/choose-image.js';
import { listedImage, ownProblem } from '../../image/choose/examine-manifest.js';
import { type ParsedConfig, parseConfig } from '../../image/config.js';
import type { Image, ListedImage, OpenContext } from '../../image/image.js';
import type { Layer } from '../../image/layer.js';
import { DOCKER_LAYER_TYPE } from '../../image/manifest.js';
import { formatPlatform, isSameMachine } from '../../image/platform.js';
import type { Digest } from '../../reference/digest.js';
import { describeLayers, imageOf, warnOfOddities } from '../form/assemble-image.js';
import type { FoundImage } from '../form/form.js';
import { type OpenRequest, type Place, twoImages } from '../source.js';
import type { Store, StoreImage, StoreLayer } from './store.js';
import type { StoreFiles } from './store-files.js';
import { StoreLayers } from './store-layers.js';

/** The images of an engine's storage. The engine need not run. */
export function diskPlace(files: StoreFiles, store: Store, selector: string | undefined, context: OpenContext): Place {
  return {
    open: (request) => openStored(files, store, selector, request, context),
    list: async ({ verify = true }) => ({
      source: { transport: store.transport, location: files.location },
      images: await listStored(files, store, selector, verify),
    }),
  };
}

async function openStored(
  files: StoreFiles,
  store: Store,
  selector: string | undefined,
  { reference, platform, options }: OpenRequest,
  context: OpenContext,
): Promise<Image> {
  const { location } = files;
  const { verify = true, image: wanted } = options;
  if (selector !== undefined && wanted !== undefined && selector !== wanted) throw twoImages(selector, wanted);
  const chosen = await choose(files, store, selector ?? wanted, verify);
  const config = readConfig(files, chosen, verify);
  if (platform && config.platform && !isSameMachine(platform, config.platform)) {
    const message = `${location} has ${quoted(chosen.names[0] ?? chosen.ids[0])} for ${formatPlatform(config.platform)}, not for ${formatPlatform(platform)}`;
    throw new DimgxError('DIMGX_SOURCE_NO_PLATFORM', message);
  }
  const places = chosen.layers(config.diffIds);
  const found = foundImage(chosen, config, places);
  const warn = inputWarner(options);
  warnOfOddities(found, warn);
  const layers = describeLayers(found).map((layer, i): Layer => {
    const place = places[i] as StoreLayer | DimgxError;
    const size = place instanceof DimgxError ? undefined : place.size;
    return Object.freeze({ ...layer, ...(size !== undefined && { claimedContentSize: size }) });
  });
  const stored = new StoreLayers(
    files,
    new Map(layers.map((layer, i) => [layer, places[i] as StoreLayer])),
    warn,
    context,
  );
  return imageOf(found, {
    reference,
    source: { transport: store.transport, location },
    layers,
    fetch: (some) => stored.fetch(some),
    resources: context.resources,
  });
}

async function choose(files: StoreFiles, store: Store, selector: string | undefined, verify: boolean) {
  const all = numbered(store.images());
  const listed = all.filter(({ isListed }) => isListed);
  const candidates = selector === undefined || matchingImages(listed, selector).length > 0 ? listed : all;
  const spelt = selector === undefined ? undefined : spelling(candidates, selector);
  const describe = async (image: StoreImage) => {
    const config = await ownConfig(files, image, verify);
    return { kind: 'image', ...(!(config instanceof DimgxError) && config.platform && { platform: config.platform }) };
  };
  return chooseImage(candidates, { selector: spelt, location: files.location, describe });
}

/** Those that are listed come first, by their names, and have numbers. */
function numbered(images: readonly StoreImage[]): readonly StoreImage[] {
  const keyOf = ({ isListed, names, ids }: StoreImage) =>
    [isListed ? 0 : 1, names.length > 0 ? 0 : 1, ...names, ids[0]].join('\n');
  const keyed = images.map((image) => ({ key: keyOf(image), image })).sort((a, b) => (a.key < b.key ? -1 : 1));
  return keyed.map(({ image }, number) => (image.isListed ? { ...image, number } : image));
}

/** Podman calls what it builds `localhost/NAME`. Its users leave that out. */
function spelling(images: readonly StoreImage[], selector: string): string {
  const local = `localhost/${selector}`;
  const isLocal = matchingImages(images, selector).length === 0 && matchingImages(images, local).length > 0;
  return isLocal ? local : selector;
}

async function listStored(
  files: StoreFiles,
  store: Store,
  selector: string | undefined,
  verify: boolean,
): Promise<readonly ListedImage[]> {
  const images = numbered(store.images()).filter(({ isListed }) => isListed);
  const wanted = selector === undefined ? images : [await choose(files, store, selector, verify)];
  return Promise.all(wanted.map((image) => listOne(files, image, verify)));
}

async function listOne(files: StoreFiles, image: StoreImage, verify: boolean): Promise<ListedImage> {
  const [id] = image.ids;
  const seen = { kind: 'image', digest: `sha256:${id}`, id, missing: [] } as const;
  const shown = { names: image.names, ...(image.number !== undefined && { number: image.number }) };
  const config = await ownConfig(files, image, verify);
  if (config instanceof DimgxError) return listedImage({ ...seen, problem: config }, shown);
  const layers = await ownStore(() => image.layers(config.diffIds));
  const problem = layers instanceof DimgxError ? layers : layers.find((layer) => layer instanceof DimgxError);
  const { platform } = config;
  const known = { ...seen, ...(platform && { platform }) };
  if (problem || layers instanceof DimgxError) return listedImage({ ...known, ...(problem && { problem }) }, shown);
  const sizes = layers.map((layer) => (layer as StoreLayer).size);
  const size = sizes.reduce<number | undefined>(
    (sum, each) => (sum === undefined || each === undefined ? undefined : sum + each),
    0,
  );
  return listedImage({ ...known, ...(size !== undefined && { size }) }, shown);
}

function ownConfig(files: StoreFiles, image: StoreImage, verify: boolean): Promise<ParsedConfig | DimgxError> {
  return ownProblem({ size: 0 }, async () => readConfig(files, image, verify));
}

/** @returns the error, if it concerns only this image */
async function ownStore<T>(find: () => T): Promise<T | DimgxError> {
  try {
    return find();
  } catch (failure) {
    const codes: readonly string[] = ['DIMGX_LAYER_BAD_PARENT', 'DIMGX_IMAGE_LAYER_COUNT'];
    if (failure instanceof DimgxError && codes.includes(failure.code)) return failure;
    throw failure;
  }
}

/** @throws DIMGX_SOURCE_MISSING_BLOB, DIMGX_IMAGE_DIGEST_MISMATCH, DIMGX_IMAGE_BAD_JSON */
function readConfig(files: StoreFiles, { config: path, ids: [id] }: StoreImage, verify: boolean): ParsedConfig {
  const bytes = files.read(path);
  if (!bytes) {
    const message = `${quoted(path)} is not in ${files.location}: the image is being removed, or was never complete`;
    throw new DimgxError('DIMGX_SOURCE_MISSING_BLOB', message);
  }
  const digest: Digest = `sha256:${id}`;
  if (verify) checkDigest(bytes, digest, `the config ${printable(path, 200)}`);
  return parseConfig(bytes, `the config ${digest}`);
}

function foundImage(
  { ids: [id], names }: StoreImage,
  config: ParsedConfig,
  places: readonly (StoreLayer | DimgxError)[],
): FoundImage {
  const newest = places.length - 1;
  const layers = places.map((place, i) => ({
    file: place instanceof DimgxError ? '' : place.folder,
    mediaType: DOCKER_LAYER_TYPE,
    ...(i === newest ? { imageId: id, tags: names } : { tags: [] }),
    ...(place instanceof DimgxError && { problem: place }),
  }));
  return { id, tags: names, config, layers };
}
