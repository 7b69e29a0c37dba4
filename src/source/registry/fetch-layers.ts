import { DimgxError } from '../../errors.js';
import type { Layer, StoredLayer } from '../../image/image.js';
import type { BlobCache } from '../../store/blob-cache.js';
import { compressionOf } from '../assemble-image.js';
import type { OpenContext } from '../open-context.js';
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
    const { fd, length, close } = await request.cache.fetch(digest, size, (target) =>
      fetchBlob(blob, target, request, onBytes),
    );
    context.resources.adopt(close);
    const region = { fd, offset: 0, length };
    blobs.set(digest, { blob: region, compression: await compressionOf(region) });
  });
  return layers.map((layer) => ({ ...layer, ...(blobs.get(layer.digest as string) as Blob) }));
}

/** What arrives damaged is fetched once more: from the next place, or anew from the last. */
async function fetchBlob(
  blob: WantedBlob,
  target: { readonly fd: number; readonly from: number },
  { repository, foreign }: LayersRequest,
  onBytes: (bytes: number) => void,
): Promise<void> {
  let { from } = target;
  const download = async (origin: BlobOrigin, isLast: boolean) => {
    try {
      await downloadBlob(blob, origin, { fd: target.fd, from }, onBytes);
    } catch (failure) {
      from = 0;
      if (!isLast || !isDamage(failure)) throw failure;
      await downloadBlob(blob, origin, { fd: target.fd, from }, onBytes);
    }
  };
  const elsewhere = foreign.get(blob.digest);
  if (elsewhere) {
    return download(elsewhere, true).catch(async (failure: unknown) => {
      throw await repository.own.explain(failure, blob.name, 'where its manifest says that it is');
    });
  }
  const sought = { what: blob.name, by: 'digest', absent: 'DIMGX_SOURCE_MISSING_BLOB' } as const;
  await repository.atFirst(sought, (place, isLast) => download(originAt(place, repository, blob), isLast));
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
