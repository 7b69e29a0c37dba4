import { quoted } from '../../base/text/printable.js';
import { DimgxError, inputWarner } from '../../errors.js';
import { chooseImage, matchingImages } from '../../image/choose/choose-image.js';
import { listedImage } from '../../image/choose/examine-manifest.js';
import { CONTAINER } from '../../image/container.js';
import type { Image, ListedImage, OpenContext } from '../../image/image.js';
import { formatPlatform, isSameMachine } from '../../image/platform.js';
import { imageOf, warnOfOddities } from '../form/assemble-image.js';
import { type Listed, type OpenRequest, type Place, twoImages } from '../source.js';
import { chooseContainer, openContainer, ownPlaces } from './container-image.js';
import { DAMAGE } from './damaged-lists.js';
import { chooseLayer, LAYER } from './inventory/choose-layer.js';
import { findLeftovers } from './inventory/find-leftovers.js';
import { findOwner } from './inventory/find-owner.js';
import { openLayer } from './inventory/open-layer.js';
import { listedContainer } from './listed-container.js';
import type { Store, StoreImage, StoreLayer } from './store.js';
import type { StoreFiles } from './store-files.js';
import { StoreLayers } from './store-layers.js';
import { foundStored, ownConfig, readConfig, storedLayers } from './stored-image.js';

/** The images and containers of an engine's storage. The engine need not run. */
export function diskPlace(files: StoreFiles, store: Store, selector: string | undefined, context: OpenContext): Place {
  return {
    open: async (request) => {
      try {
        return await open(files, store, selector, request, context);
      } catch (failure) {
        throw store.damaged.explain(failure);
      }
    },
    owner: async (path, options) => {
      const owner = findOwner(files, store, path);
      store.damaged.warn(inputWarner(options));
      return owner;
    },
    list: async (options) => {
      try {
        const listed = await listAll(files, store, selector, options.verify ?? true);
        store.damaged.warn(inputWarner(options));
        return listed;
      } catch (failure) {
        throw store.damaged.explain(failure);
      }
    },
  };
}

async function listAll(
  files: StoreFiles,
  store: Store,
  selector: string | undefined,
  verify: boolean,
): Promise<Listed> {
  const source = { transport: store.transport, location: files.location };
  const images = await listStored(files, store, selector, verify);
  if (selector !== undefined) return { source, images };
  const containers = store
    .containers()
    .map((each) => listedContainer(files, each.container, () => ownPlaces(files, each, verify).at(-1)?.folder));
  return { source, images, containers, leftovers: findLeftovers(files, store) };
}

async function open(
  files: StoreFiles,
  store: Store,
  selector: string | undefined,
  request: OpenRequest,
  context: OpenContext,
): Promise<Image> {
  const { image } = request.options;
  if (selector !== undefined && image !== undefined && selector !== image) throw twoImages(selector, image);
  const wanted = selector ?? image;
  if (wanted?.startsWith(LAYER)) {
    const name = wanted.slice(LAYER.length);
    const layer = chooseLayer(files, store.inventories(), name);
    if (layer) return openLayer(files, store.transport, layer, request, context);
    if (matchingImages(store.images(), wanted).length === 0) throw absent(files, 'layer', name);
  }
  if (!wanted?.startsWith(CONTAINER)) return openStored(files, store, wanted, request, context);
  const name = wanted.slice(CONTAINER.length);
  const container = chooseContainer(store.containers(), name);
  store.damaged.warn(inputWarner(request.options));
  if (container) return openContainer(files, store, container, request, context);
  // An image may be called that.
  if (matchingImages(store.images(), wanted).length > 0) return openStored(files, store, wanted, request, context);
  throw absent(files, 'container', name);
}

function absent({ location }: StoreFiles, what: string, name: string): DimgxError {
  return new DimgxError('DIMGX_SOURCE_NO_SUCH_IMAGE', `${location} has no ${what} ${quoted(name)}`);
}

async function openStored(
  files: StoreFiles,
  store: Store,
  selector: string | undefined,
  { reference, platform, options }: OpenRequest,
  context: OpenContext,
): Promise<Image> {
  const { location } = files;
  const { verify = true } = options;
  const chosen = await choose(files, store, selector, verify);
  const warn = inputWarner(options);
  store.damaged.warn(warn);
  const config = readConfig(files, chosen, verify);
  if (platform && config.platform && !isSameMachine(platform, config.platform)) {
    const message = `${location} has ${quoted(chosen.names[0] ?? chosen.ids[0])} for ${formatPlatform(config.platform)}, not for ${formatPlatform(platform)}`;
    throw new DimgxError('DIMGX_SOURCE_NO_PLATFORM', message);
  }
  const places = chosen.layers(config.diffIds);
  const found = foundStored({ id: chosen.ids[0], tags: chosen.names }, config, places, chosen.origins(config.diffIds));
  warnOfOddities(found, warn);
  const layers = storedLayers(found, places);
  const placed = new Map(layers.map((layer, i) => [layer, places[i] as StoreLayer]));
  const { keepGoing } = options;
  const stored = new StoreLayers(files, placed, { warn, keepGoing }, context);
  return imageOf(found, {
    reference,
    source: { transport: store.transport, location },
    layers,
    fetch: (some, watch) => stored.fetch(some, watch),
    leftOut: stored.leftOut,
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

/** @returns the error, if it concerns only this image */
async function ownStore<T>(find: () => T): Promise<T | DimgxError> {
  try {
    return find();
  } catch (failure) {
    const codes: readonly string[] = ['DIMGX_LAYER_BAD_PARENT', 'DIMGX_IMAGE_LAYER_COUNT', ...DAMAGE];
    if (failure instanceof DimgxError && codes.includes(failure.code)) return failure;
    throw failure;
  }
}
