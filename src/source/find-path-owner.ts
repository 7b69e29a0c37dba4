import { posix } from 'node:path';
import { withCall } from '../base/call/call.js';
import { withResources } from '../base/io/resources.js';
import { quoted } from '../base/text/printable.js';
import { checkOptions, requireThat } from '../check-options.js';
import { DimgxError, type Warning } from '../errors.js';
import type { PathOwner } from '../image/path-owner.js';
import type { ListOptions } from './list-images.js';
import { locate } from './locate.js';
import { parseReference } from './reference.js';
import { contextOf, withCode } from './resolve.js';

/**
 * Finds out to which images and containers a path of an engine's storage belongs.
 *
 * @param reference the storage, as for `listImages`
 * @param path in the storage, also as it was on another host; or the ID of a layer. `..` is resolved by its text
 * @throws DIMGX_SOURCE_NOT_FOUND if the path is none of what the storage holds; DIMGX_SOURCE_AMBIGUOUS for the start
 *   of several IDs, or if several storages of a disk have it; DIMGX_SOURCE_UNSUPPORTED for anything but an engine's
 *   storage; as `listImages`
 */
export async function findPathOwner(reference: string, path: string, options: ListOptions = {}): Promise<PathOwner> {
  requireThat(typeof reference === 'string', 'the reference', 'a string', reference);
  requireThat(typeof path === 'string', 'the path', 'a string', path);
  checkOptions(options);
  return withCall(options, async (stageOptions) => {
    try {
      return await withResources(async (resources) => {
        const warn = (warning: Warning) => stageOptions.onWarning?.(warning);
        const place = await locate(parseReference(reference), contextOf(stageOptions, resources), warn);
        if (!place.owner) throw notAStorage(reference);
        const owner = await place.owner(cleanText(path), stageOptions);
        if (owner) return owner;
        const message = `${quoted(path)} is no layer, no container, no volume, no blob and no document of ${quoted(reference)}`;
        throw new DimgxError('DIMGX_SOURCE_NOT_FOUND', message);
      });
    } catch (failure) {
      throw withCode(failure, reference, stageOptions.signal);
    }
  });
}

/** A path without `.`, `..` and needless slashes. Only a path out of the folder of the storage begins with `..` then. */
function cleanText(path: string): string {
  return posix.normalize(path).replace(/(.)\/$/, '$1');
}

function notAStorage(reference: string): DimgxError {
  const message = `${quoted(reference)} is not the storage of Docker, containerd or Podman: only there, paths belong to images and containers`;
  return new DimgxError('DIMGX_SOURCE_UNSUPPORTED', message);
}
