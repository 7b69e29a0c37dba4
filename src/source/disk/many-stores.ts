import { printable, quoted } from '../../base/text/printable.js';
import { type Choice, DimgxError, type Warn, type Warning } from '../../errors.js';
import type { ListedContainer } from '../../image/container.js';
import type { Image, ListedImage } from '../../image/image.js';
import type { Leftover } from '../../image/leftover.js';
import type { PathOwner } from '../../image/path-owner.js';
import type { OpenOptions } from '../../options.js';
import type { OpenRequest, Place } from '../source.js';
import { LAYER } from './inventory/choose-layer.js';

/** One of several storages. */
export interface StoreAt {
  /** How users name it, without an image: `docker-root:/mnt/var/lib/docker`. */
  readonly reference: string;
  /** Where it is on its host, without a slash at either end, if that is known. */
  readonly folders?: readonly string[];
  /** @param selector of one image */
  place(selector: string | undefined): Place;
}

interface Together {
  readonly transport: string;
  /** Where they are, printable. */
  readonly location: string;
  /** Whether users can name each one. */
  readonly areNamed: boolean;
}

/** Several storages as one place. An image is opened if only one of them has it. */
export function manyStores(stores: readonly StoreAt[], together: Together, selector: string | undefined): Place {
  const { transport, location, areNamed } = together;
  return {
    open: (request) => openInOne(stores, together, selector, request),
    owner: (path, options) => ownerInOne(stores, together, path, options),
    list: async (options) => {
      const images: ListedImage[] = [];
      const containers: ListedContainer[] = [];
      const leftovers: Leftover[] = [];
      for (const store of stores) {
        const named = areNamed ? { store: store.reference } : {};
        const {
          images: listed,
          containers: others = [],
          leftovers: left = [],
        } = await store.place(selector).list(options);
        leftovers.push(...left.map((leftover) => ({ ...leftover, ...named })));
        containers.push(...others.map((container) => ({ ...container, ...named })));
        // Positions are those in one storage.
        for (const { number: _, ...image } of listed) images.push({ ...image, ...named });
        if (listed.length + others.length === 0 && areNamed)
          images.push({ names: [], kind: 'empty storage', missing: [], ...named });
      }
      return { source: { transport, location }, images, containers, leftovers };
    },
  };
}

/**
 * Storages have folders and documents of the same names. The folder of one may be in the path; else the one that uses
 * what has the path knows it.
 *
 * @throws DIMGX_SOURCE_AMBIGUOUS if several do
 */
async function ownerInOne(
  stores: readonly StoreAt[],
  { location, areNamed }: Together,
  path: string,
  options: OpenOptions,
): Promise<PathOwner | undefined> {
  const text = path.startsWith('/') ? `${path}/` : `/${path}/`;
  const inPath = stores.filter(({ folders = [] }) => folders.some((folder) => text.includes(`/${folder}/`)));
  const found: { readonly reference: string; readonly owner: PathOwner }[] = [];
  for (const { reference, place } of inPath.length > 0 ? inPath : stores) {
    const owner = await place(undefined).owner?.(path, options);
    if (owner) found.push({ reference, owner });
  }
  const users = found.filter(({ owner }) => owner.isHeld || owner.images.length + owner.containers.length > 0);
  if (areNamed && users.length > 1) {
    const references = users.map(({ reference }) => printable(reference, 300)).join(', ');
    const message = `${location} has several storages that use ${quoted(path)}, ${references}: write one of these instead`;
    throw new DimgxError('DIMGX_SOURCE_AMBIGUOUS', message);
  }
  const leftover = found.find(({ owner }) => owner.leftover !== undefined);
  return (users[0] ?? leftover ?? found[0])?.owner;
}

/** What a storage has of the image: it, or why it cannot be opened. */
interface Hit {
  readonly store: StoreAt;
  readonly outcome: Image | DimgxError;
  /** Passes on its warnings: those so far, and those that come. */
  hear(onWarning: Warn): void;
}

/** @throws DIMGX_SOURCE_NO_SUCH_IMAGE, DIMGX_SOURCE_AMBIGUOUS; what the storage throws that alone has the image */
async function openInOne(
  stores: readonly StoreAt[],
  together: Together,
  selector: string | undefined,
  request: OpenRequest,
): Promise<Image> {
  const hits: Hit[] = [];
  const misses: DimgxError[] = [];
  for (const store of stores) {
    const { onWarning, hear } = heldWarnings();
    const options = { ...request.options, onWarning };
    const outcome = await store
      .place(selector)
      .open({ ...request, options })
      .catch(coded);
    if (outcome instanceof DimgxError && ABSENT.includes(outcome.code)) misses.push(outcome);
    else hits.push({ store, outcome, hear });
  }
  const [hit, ...others] = hits;
  if (!hit) throw absent(misses, together.location);
  if (others.length > 0) throw ambiguous(hits, together, selector ?? request.options.image);
  if (hit.outcome instanceof DimgxError) throw hit.outcome;
  hit.hear((warning) => request.options.onWarning?.(warning));
  return hit.outcome;
}

/** Holds warnings back until it is known whether anybody shall hear them. */
function heldWarnings(): { readonly onWarning: Warn; readonly hear: Hit['hear'] } {
  const held: Warning[] = [];
  let pass: Warn = (warning) => void held.push(warning);
  return {
    onWarning: (warning) => pass(warning),
    hear: (onWarning) => {
      pass = onWarning;
      for (const warning of held.splice(0)) pass(warning);
    },
  };
}

/** Codes that mean that a storage does not have the image. */
export const ABSENT: readonly string[] = ['DIMGX_SOURCE_NO_SUCH_IMAGE', 'DIMGX_SOURCE_NOT_AN_IMAGE'];

function coded(failure: unknown): DimgxError {
  if (failure instanceof DimgxError && failure.code !== 'DIMGX_ABORTED') return failure;
  throw failure;
}

function absent(misses: readonly DimgxError[], location: string): DimgxError {
  const other = misses.filter(({ code }) => code === 'DIMGX_SOURCE_NO_SUCH_IMAGE');
  const [first, ...others] = other.length > 0 ? other : misses;
  if (!first) return new DimgxError('DIMGX_SOURCE_NOT_AN_IMAGE', `${location} holds no image`);
  if (others.length === 0) return first;
  const message = [...new Set([first, ...others].map((miss) => miss.message))].join('; ');
  return first.retold(message, { choices: [first, ...others].flatMap(({ choices = [] }) => choices) });
}

function ambiguous(hits: readonly Hit[], { location, areNamed }: Together, selector: string | undefined): DimgxError {
  const choices = hits.flatMap(({ outcome }): readonly Choice[] => {
    if (outcome instanceof DimgxError) return outcome.choices ?? [];
    const { container } = outcome;
    if (container) return [{ names: [...container.names, container.id], kind: 'container' }];
    const { tags, manifestDigest, id, platform } = outcome;
    const digest = manifestDigest ?? `sha256:${id}`;
    return [{ names: tags, kind: 'image', ...(platform && { platform }), digest }];
  });
  const kind = kindOf(selector, hits);
  const what = selector === undefined ? kind : `${kind} that ${quoted(selector)} could mean`;
  const where = areNamed
    ? `${hits.map(({ store }) => printable(store.reference, 300)).join(', ')}: write one of these instead`
    : `both stores of the engine: ${choices.map(({ names, digest = '' }) => `${printable(names.join(', '), 200)} ${printable(digest, 100)}`.trimEnd()).join('; ')}`;
  return new DimgxError('DIMGX_SOURCE_AMBIGUOUS', `${location} holds ${what} in ${where}`, {
    choices,
    ...(!areNamed && { options: ['image'] }),
  });
}

/** What a selector means in storages that have it. An image may be named like a container. */
function kindOf(selector = '', hits: readonly Hit[]): 'images' | 'containers' | 'layers' {
  if (selector.startsWith(LAYER)) return 'layers';
  const isContainer = ({ outcome }: Hit) =>
    outcome instanceof DimgxError ? /^(?:[^/]+\/)?container\//.test(selector) : outcome.container !== undefined;
  return hits.every(isContainer) ? 'containers' : 'images';
}
