import { DimgxError } from '../errors.js';
import { bzip2 } from './bzip2.js';
import type { Codec } from './codec.js';
import { gzip } from './gzip.js';
import { xz } from './xz.js';
import { zstd } from './zstd.js';

/** Every codec, by its name. Everything else about codecs derives from this table, or a test compares it. */
export const CODECS = { gzip, bzip2, xz, zstd } as const satisfies Readonly<Record<string, Codec>>;

export type CompressionName = 'none' | keyof typeof CODECS;
export type CodecName = Exclude<CompressionName, 'none'>;

const ENTRIES = Object.entries(CODECS) as readonly (readonly [CodecName, Codec])[];

export const CODEC_NAMES: readonly CodecName[] = ENTRIES.map(([name]) => name);

/** Length of the longest magic: this many bytes are enough to detect the format. */
export const MAGIC_LENGTH = Math.max(...ENTRIES.map(([, { magic }]) => magic.length));

/** Detects the compression from the first bytes; `none` if no codec matches. */
export function detectCompression(head: Uint8Array): CompressionName {
  const begins = (magic: readonly number[]) => magic.every((byte, i) => head[i] === byte);
  return nameOf(({ magic, otherMagic = [] }) => [magic, ...otherMagic].some(begins));
}

/** Chooses the compression by the file name extension; `none` if the extension selects no compression. */
export function compressionOfName(fileName: string): CompressionName {
  const lower = fileName.toLowerCase();
  return nameOf(({ extensions }) => extensions.some((extension) => lower.endsWith(extension)));
}

function nameOf(matches: (codec: Codec) => boolean): CompressionName {
  return ENTRIES.find(([, codec]) => matches(codec))?.[0] ?? 'none';
}

/** @throws DIMGX_COMPRESSION_UNSUPPORTED when `name` is `none` */
export function codecOf(name: CompressionName): Codec {
  if (Object.hasOwn(CODECS, name)) return CODECS[name as CodecName];
  throw new DimgxError('DIMGX_COMPRESSION_UNSUPPORTED', `"${name}" is not a compression that dimgx knows`);
}

/** Whether decoding runs in the calling thread and blocks it. */
export function blocksThread(name: CompressionName): boolean {
  return name !== 'none' && CODECS[name].blocksThread;
}
