import { type Region, readRegion } from '../base/io/region.js';
import { DimgxError } from '../errors.js';
import { bzip2 } from './bzip2.js';
import type { Codec, CompressionName } from './codec.js';
import { gzip } from './gzip.js';
import { xz } from './xz.js';
import { zstd } from './zstd.js';

const CODECS: readonly Codec[] = [gzip, bzip2, xz, zstd];

/** Length of the longest magic: this many bytes are enough to detect the format. */
export const MAGIC_LENGTH = 6;

/** Detects the compression from the first bytes; `none` if no codec matches. */
export function detectCompression(head: Uint8Array): CompressionName {
  const begins = (magic: readonly number[]) => magic.every((byte, i) => head[i] === byte);
  return CODECS.find(({ magic, otherMagic = [] }) => [magic, ...otherMagic].some(begins))?.name ?? 'none';
}

/** Chooses the compression by the file name extension; `none` if the extension selects no compression. */
export function compressionOfName(fileName: string): CompressionName {
  const lower = fileName.toLowerCase();
  return CODECS.find((codec) => codec.extensions.some((extension) => lower.endsWith(extension)))?.name ?? 'none';
}

/** @throws DIMGX_COMPRESSION_UNSUPPORTED when `name` is `none` */
export function codecOf(name: CompressionName): Codec {
  const codec = CODECS.find((candidate) => candidate.name === name);
  if (codec) return codec;
  throw new DimgxError('DIMGX_COMPRESSION_UNSUPPORTED', `there is no compression called "${name}"`);
}

/** Detects the compression of a layer from its first bytes. */
export async function compressionOf(blob: Region): Promise<CompressionName> {
  const head = new Uint8Array(Math.min(MAGIC_LENGTH, blob.length));
  await readRegion(blob)(head, 0);
  return detectCompression(head);
}
