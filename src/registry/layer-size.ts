import type { HttpReply } from '../base/http/http-client.js';
import type { BlobCache } from '../cache/blob-cache.js';
import { DimgxError } from '../errors.js';
import type { Digest } from '../reference/digest.js';
import type { BlobOrigin } from './download-blob.js';
import type { Repository } from './repository.js';

export interface SizeRequest {
  readonly repository: Repository;
  readonly cache: BlobCache;
  /** Where the layer is, if the registry does not have it. */
  readonly elsewhere: BlobOrigin | undefined;
}

/**
 * The size of a layer whose descriptor does not give it, in bytes: the size of the cached copy, or the length that the
 * registry sends.
 *
 * @param name its name in messages, printable
 * @throws DIMGX_REGISTRY_*, DIMGX_SOURCE_MISSING_BLOB, DIMGX_ABORTED
 */
export async function layerSize(
  digest: Digest,
  name: string,
  { repository, cache, elsewhere }: SizeRequest,
): Promise<number> {
  const kept = await cache.open(digest);
  if (kept) {
    await kept.close();
    return kept.region.length;
  }
  const sought = { what: name, by: 'digest', absent: 'DIMGX_SOURCE_MISSING_BLOB' } as const;
  repository.requireOnline(sought);
  if (elsewhere) {
    try {
      return lengthOf(await patiently(elsewhere, () => elsewhere.open(0)), name);
    } catch (failure) {
      throw await repository.own.explain(failure, name, 'the URL in its manifest');
    }
  }
  return repository.atFirst(sought, undefined, async (place) => {
    const open = () => repository.openBlob(place, { digest, size: 0, name }, 0);
    return lengthOf(await patiently(place.server, open), name);
  });
}

async function patiently(
  server: Pick<BlobOrigin, 'attempts' | 'isPassing' | 'wait'>,
  open: () => Promise<HttpReply>,
): Promise<HttpReply> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open();
    } catch (failure) {
      if (!server.isPassing(failure) || attempt >= server.attempts) throw failure;
      await server.wait(attempt, failure);
    }
  }
}

function lengthOf(reply: HttpReply, name: string): number {
  reply.body.destroy();
  const [length = ''] = reply.headers('content-length');
  const isOwn = reply.headers('content-encoding').length === 0;
  if (isOwn && /^\d{1,15}$/.test(length)) return Number(length);
  const message = `neither the manifest nor the registry gives the size of ${name}`;
  throw new DimgxError('DIMGX_REGISTRY_FAILED', message);
}
