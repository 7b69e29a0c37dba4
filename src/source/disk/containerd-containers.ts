import { quoted, shortId } from '../../base/text/printable.js';
import { DimgxError, type Warn } from '../../errors.js';
import type { Container, ListedContainer } from '../../image/container.js';
import type { OpenContext, OpenedImage } from '../../image/image.js';
import type { Layer } from '../../image/layer.js';
import { isDigest } from '../../reference/digest.js';
import { imageOf } from '../form/assemble-image.js';
import type { OpenRequest } from '../source.js';
import { chooseContainer, describeOwn, ownersGiven, withContainer } from './container-image.js';
import type { ContainerdRecord } from './containerd-records.js';
import { type Snapshot, snapshotChain } from './containerd-snapshots.js';
import { folderSize } from './folder/folder-size.js';
import { chainIdOf, snapshotPlaces } from './snapshot-layers.js';
import type { FolderLayerPlace } from './store.js';
import type { StoreFiles } from './store-files.js';
import { StoreLayers } from './store-layers.js';
import { configOfLayers, foundStored } from './stored-image.js';

/** What containers are opened with. */
interface Opening {
  readonly request: OpenRequest;
  readonly transport: string;
  readonly context: OpenContext;
  readonly warn: Warn;
  /** Opens the image that a container was made of. */
  readonly openImage: (record: ContainerdRecord) => Promise<OpenedImage>;
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

  list(): readonly ListedContainer[] {
    return this.#records.map(({ container, snapshot }) => {
      try {
        const [own] = this.#chain(snapshot);
        const size = own && folderSize(this.#files.root, own.folder);
        return { ...container, ...(size !== undefined && { size }) };
      } catch (failure) {
        if (!(failure instanceof DimgxError)) throw failure;
        return { ...container, problem: { code: failure.code, message: failure.message } };
      }
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
    const chain = this.#chain(record.snapshot);
    const image = await imageBelow(record, chain, opening);
    const given = ownersGiven(request.options);
    const places = snapshotPlaces(this.#files, chain)
      .slice(0, chain.length - image.count)
      .map((place, i): FolderLayerPlace => {
        const owners = given ? { owners: [given] } : {};
        const isLive = container.status !== 'exited' && container.status !== 'created';
        return { ...place, ...(i === 0 && { name: container.id, containerId: container.id, isLive }), ...owners };
      })
      .toReversed();
    // A whole tree hides all those below it.
    const own = places.at(-1)?.form === 'tree' ? places.slice(-1) : places;
    const layers = describeOwn(container, own);
    const placed = new Map(layers.map((layer, i) => [layer, own[i] as FolderLayerPlace]));
    const stored = new StoreLayers(this.#files, placed, warn, context);
    const fetch = (wanted: readonly Layer[]) => stored.fetch(wanted);
    const below = image.opened ?? this.#withoutImage(opening);
    return withContainer(below, container, own, { layers, fetch, warn });
  }

  #chain(snapshot: ContainerdRecord['snapshot']): readonly Snapshot[] {
    return snapshotChain(this.#files, this.#top, snapshot);
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
  readonly opened?: OpenedImage;
  readonly count: number;
}

/** Codes that mean that the image has been removed, or parts of its documents. */
const GONE: readonly string[] = [
  'DIMGX_SOURCE_NO_SUCH_IMAGE',
  'DIMGX_SOURCE_NOT_AN_IMAGE',
  'DIMGX_SOURCE_MISSING_BLOB',
];

/** The name of an image may have been given to another one since: the snapshots tell whether it is the same. */
async function imageBelow(
  record: ContainerdRecord,
  chain: readonly Snapshot[],
  { openImage, warn }: Opening,
): Promise<ImageBelow> {
  const opened = await openImage(record).catch((failure: unknown) => {
    if (failure instanceof DimgxError && GONE.includes(failure.code)) return undefined;
    throw failure;
  });
  if (opened?.layers.length === 0) return { opened, count: 0 };
  // Those above have names that an engine made up.
  const top = chain.findIndex(({ key }) => isDigest(key));
  const isSame = opened && chain[top]?.key === chainIdOf(opened.layers);
  if (isSame && chain.length - top === opened.layers.length) return { opened, count: opened.layers.length };
  warn(imageGone(record.container, chain.length - 1));
  return { count: 0 };
}

function imageGone({ names, id, image = '' }: Container, count: number) {
  const message = `the image ${quoted(image)} of the container ${quoted(names[0] ?? shortId(id))} has been removed or replaced: the files of its layers are read from containerd's snapshots, and cannot be verified`;
  return { code: 'DIMGX_SOURCE_UNVERIFIED', message, count: Math.max(1, count) } as const;
}
