import { DimgxError } from '../../errors.js';
import type { Layer, StoredLayer } from '../../image/image.js';
import type { BlobCache, CachedBlob, DownloadBlob } from '../../store/blob-cache.js';
import { compressionOf } from '../assemble-image.js';
import type { OpenContext } from '../open-context.js';
import { BlobWriter } from './blob-writer.js';
import { type BlobOrigin, downloadBlob, type WantedBlob } from './download-blob.js';
import type { Place, Repository } from './repository.js';

export interface LayersRequest {
  readonly repository: Repository;
  readonly cache: BlobCache;
  /** Of the image, for progress; printable. */
  readonly item: string;
  /** Downloads at once. */
  readonly jobs: number;
  /** Where the layers are that the registry does not have. */
  readonly foreign: ReadonlyMap<string, BlobOrigin>;
}

type Blob = Pick<StoredLayer, 'blob' | 'compression'>;

/** A layer that a registry's manifest tells of. */
type RegistryLayer = Layer & Required<Pick<Layer, 'digest' | 'claimedSize'>>;

/**
 * Downloads layers, several at once and each digest once, in the order in which they are wanted: the first are read first.
 *
 * @throws DIMGX_SOURCE_REGISTRY_*, DIMGX_SOURCE_MISSING_BLOB, DIMGX_IMAGE_DIGEST_MISMATCH, DIMGX_IMAGE_SIZE_MISMATCH,
 *   DIMGX_SOURCE_NO_SPACE, DIMGX_ABORTED
 */
export async function fetchLayers(
  layers: readonly Layer[],
  request: LayersRequest,
  context: OpenContext,
): Promise<readonly StoredLayer[]> {
  const wanted = new Map((layers as readonly RegistryLayer[]).map((layer) => [layer.digest, layer]));
  const total = [...wanted.values()].reduce((sum, { claimedSize }) => sum + claimedSize, 0);
  let done = 0;
  const onBytes = (bytes: number) => {
    done += bytes;
    context.onProgress?.({ stage: 'pull', item: request.item, done, total });
  };
  const blobs = new Map<string, Blob>();
  await inLanes(request.jobs, [...wanted.values()], async (layer) => {
    const { digest, claimedSize: size, name } = layer;
    const blob = { digest, size, name: `layer ${name}` };
    const { fd, length, close } = await fetchBlob(blob, request, onBytes);
    context.resources.adopt(close);
    const region = { fd, offset: 0, length };
    blobs.set(digest, { blob: region, compression: await compressionOf(region) });
  });
  return layers.map((layer) => ({ ...layer, ...(blobs.get(layer.digest as string) as Blob) }));
}

/** What arrived damaged is fetched once more: from another place where there is one, or anew. */
async function fetchBlob(
  blob: WantedBlob,
  { cache, repository, foreign }: LayersRequest,
  onBytes: (bytes: number) => void,
): Promise<CachedBlob> {
  let last: Place | undefined;
  const sought = { what: blob.name, by: 'digest', absent: 'DIMGX_SOURCE_MISSING_BLOB' } as const;
  const elsewhere = foreign.get(blob.digest);
  const download: DownloadBlob = async ({ fd, from }) => {
    repository.requireOnline(sought);
    let counted = from;
    onBytes(from);
    const writer = new BlobWriter(fd, from, (bytes) => {
      counted += bytes;
      onBytes(bytes);
    });
    try {
      if (elsewhere) await downloadElsewhere(blob, elsewhere, writer, repository);
      else {
        await repository.atFirst(sought, last, async (place) => {
          last = place;
          await downloadBlob(blob, originAt(place, repository, blob), writer);
        });
      }
    } catch (failure) {
      onBytes(-counted);
      throw failure;
    }
  };
  const fetch = () => cache.fetch(blob.digest, blob.size, download);
  return fetch().catch((failure: unknown) => {
    if (isDamage(failure)) return fetch();
    throw failure;
  });
}

async function downloadElsewhere(blob: WantedBlob, origin: BlobOrigin, writer: BlobWriter, { own }: Repository) {
  try {
    await downloadBlob(blob, origin, writer);
  } catch (failure) {
    throw await own.explain(failure, blob.name, 'where its manifest says that it is');
  }
}

function originAt(place: Place, repository: Repository, { digest }: WantedBlob): BlobOrigin {
  const { server } = place;
  return {
    http: server.http,
    attempts: server.attempts,
    open: (first) => repository.openBlob(place, digest, first),
    isPassing: (failure) => server.isPassing(failure),
    wait: (attempt, failure) => server.wait(attempt, failure),
  };
}

function isDamage(failure: unknown): boolean {
  const codes = ['DIMGX_IMAGE_DIGEST_MISMATCH', 'DIMGX_IMAGE_SIZE_MISMATCH'];
  return failure instanceof DimgxError && codes.includes(failure.code);
}

/** Does work on each item, on so many at once. After a failure nothing is begun any more, and what was begun is waited for. */
async function inLanes<T>(lanes: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  let failure: { readonly of: unknown } | undefined;
  const lane = async () => {
    for (let item = rest.shift(); item !== undefined && !failure; item = rest.shift()) {
      await work(item).catch((of: unknown) => {
        failure ??= { of };
      });
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  if (failure) throw failure.of;
}
