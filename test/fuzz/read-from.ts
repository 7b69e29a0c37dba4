import { type OpenRegion, type ReadAt, sourceEnded } from '#dimgx/base/io/region.js';

/** Reads bytes in memory as the regions of a file are read. */
export function readFrom(bytes: Uint8Array): (region: OpenRegion) => ReadAt {
  return ({ offset, length }) =>
    (into, position) => {
      if (position + into.length > length) sourceEnded();
      into.set(bytes.subarray(offset + position, offset + position + into.length));
    };
}
