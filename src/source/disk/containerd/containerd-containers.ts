import { quoted, shortId } from '../../../base/text/printable.js';
import { DimgxError, type Warn } from '../../../errors.js';
import { type Container, type ListedContainer, mayBeRunning } from '../../../image/container.js';
import type { OpenContext, OpenedImage } from '../../../image/image.js';
import type { Layer } from '../../../image/layer.js';
import { type Digest, isDigest } from '../../../reference/digest.js';
import { imageOf } from '../../form/assemble-image.js';
import type { OpenRequest } from '../../source.js';
import { chooseContainer, describeOwn, ownersGiven, withContainer } from '../container-image.js';
import { listedContainer } from '../listed-container.js';
import type { FolderLayerPlace } from '../store.js';
import type { StoreFiles } from '../store-files.js';
import { StoreLayers } from '../store-layers.js';
import { configOfLayers, foundStored } from '../stored-image.js';
import { containerdConfig } from './containerd-meta.js';
import type { ContainerdRecord } from './containerd-records.js';
import { type Snapshot, snapshotChain } from './containerd-snapshots.js';
import { chainIdOf, snapshotPlaces } from './snapshot-layers.js';

/** What containers are opened with. */
interface Opening {
  readonly request: OpenRequest;
  readonly transport: string;
  readonly context: OpenContext;
  readonly warn: Warn;
  /** Opens an image. */
  readonly openImage: (selector: string) => Promise<OpenedImage>;
}

/** Containers whose changes are snapshots of containerd. */
export class ContainerdContainers {
  readonly #files: StoreFiles;
  readonly #top: string;
  readonly #records: readonly ContainerdRecord[];

  /** @param top the folder of containerd: empty, or with a slash at its end */
  constructor(files: StoreFiles, top: string, records: readonly ContainerdRecord[]) {
    this.#files = files;
    this.#top = top;
    this.#records = records;
  }

  /** Those that are lost are leftovers. */
  list(): readonly ListedContainer[] {
    const known = this.#records.filter(({ isLost }) => !isLost);
    return known.map((record) => {
      const places = () => snapshotPlaces(this.#files, this.#chain(record));
      return listedContainer(this.#files, record.container, () => places()[0]?.folder);
    });
  }

  /**
   * @param name of a container, or its ID, or the start of that
   * @param namespace default: all
   * @returns `undefined` if there is none
   * @throws DIMGX_SOURCE_AMBIGUOUS
   */
  choose(name: string, namespace?: string): ContainerdRecord | undefined {
    const isAsked = ({ snapshot }: ContainerdRecord) => namespace === undefined || snapshot.namespace === namespace;
    return chooseContainer(this.#records.filter(isAsked), name);
  }

  /** @throws DIMGX_STORE_DAMAGED, DIMGX_SOURCE_UNSUPPORTED, DIMGX_SOURCE_UNREADABLE; what opening the image throws */
  async open(record: ContainerdRecord, opening: Opening): Promise<OpenedImage> {
    const { container } = record;
    const { request, context, warn } = opening;
    const chain = this.#chain(record);
    const image = await imageBelow(this.#imagesOf(record, chain), chain, opening.openImage);
    if (!image) warn(imageGone(container, chain.length - 1));
    const given = ownersGiven(request.options);
    const places = snapshotPlaces(this.#files, chain)
      .slice(0, chain.length - (image?.count ?? 0))
      .map((place, i): FolderLayerPlace => {
        const owners = given ? { owners: [given] } : {};
        const isLive = mayBeRunning(container.status);
        return { ...place, ...(i === 0 && { name: container.id, containerId: container.id, isLive }), ...owners };
      })
      .toReversed();
    // A whole tree hides all those below it.
    const own = places.at(-1)?.form === 'tree' ? places.slice(-1) : places;
    const layers = describeOwn(container, own);
    const placed = new Map(layers.map((layer, i) => [layer, own[i] as FolderLayerPlace]));
    const stored = new StoreLayers(this.#files, placed, { warn }, context);
    const fetch = (wanted: readonly Layer[]) => stored.fetch(wanted);
    const below = image?.opened ?? this.#withoutImage(opening);
    return withContainer(below, container, own, { layers, fetch, warn });
  }

  #chain({ snapshot, problem }: ContainerdRecord): readonly Snapshot[] {
    if (problem) throw problem;
    return snapshotChain(this.#files, this.#top, snapshot);
  }

  /** By what the container says, and by the snapshot that it was made on. */
  *#imagesOf({ container, snapshot }: ContainerdRecord, chain: readonly Snapshot[]): Generator<string, void, void> {
    const { image, imageId } = container;
    if (imageId !== undefined) yield `sha256:${imageId}`;
    else if (image !== undefined) yield `${snapshot.namespace}/${image}`;
    const top = chain.find(({ key }) => isDigest(key))?.key as Digest | undefined;
    const config = top && containerdConfig(this.#files, this.#top, snapshot, top);
    if (config) yield config;
  }

  #withoutImage({ request, transport, context }: Opening): OpenedImage {
    const { location } = this.#files;
    return imageOf(foundStored({ id: '', tags: [] }, configOfLayers([]), [], []), {
      reference: request.reference,
      source: { transport, location },
      layers: [],
      fetch: async () => [],
      resources: context.resources,
    });
  }
}

/** The image of a container, and how many of its snapshots are those of the image. */
interface ImageBelow {
  readonly opened: OpenedImage;
  readonly count: number;
}

/** Codes that mean that the image has been removed, or parts of its documents. */
const GONE: readonly string[] = [
  'DIMGX_SOURCE_NO_SUCH_IMAGE',
  'DIMGX_SOURCE_NOT_AN_IMAGE',
  'DIMGX_SOURCE_MISSING_BLOB',
];

/** A name may have been given to another image since: the snapshots tell whether it is the same. */
async function imageBelow(
  selectors: Iterable<string>,
  chain: readonly Snapshot[],
  openImage: Opening['openImage'],
): Promise<ImageBelow | undefined> {
  // Those above have names that an engine made up.
  const top = chain.findIndex(({ key }) => isDigest(key));
  for (const selector of selectors) {
    const opened = await openImage(selector).catch((failure: unknown) => {
      if (failure instanceof DimgxError && GONE.includes(failure.code)) return undefined;
      throw failure;
    });
    const count = opened?.layers.length ?? -1;
    const isSame = opened && chain[top]?.key === chainIdOf(opened.layers);
    if (count === 0 || (isSame && chain.length - top === count)) return { opened: opened as OpenedImage, count };
  }
  return undefined;
}

function imageGone({ names, id, image }: Container, count: number) {
  const what = image === undefined ? 'is not known' : 'has been removed or replaced';
  const message = `the image ${image === undefined ? '' : `${quoted(image)} `}of the container ${quoted(names[0] ?? shortId(id))} ${what}: the files of its layers are read from containerd's snapshots, and cannot be verified`;
  return { code: 'DIMGX_SOURCE_UNVERIFIED', message, count: Math.max(1, count) } as const;
}
