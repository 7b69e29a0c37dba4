import type { Transform } from 'node:stream';

export type CompressionName = 'none' | 'gzip' | 'bzip2' | 'xz' | 'zstd';

/** One compression, in both directions. Every file of this folder that is named after a format exports one. */
export interface Codec {
  readonly name: CompressionName;
  /** How a stream of this format begins. */
  readonly magic: readonly number[];
  /** File name endings that ask for it, with the dot. */
  readonly extensions: readonly string[];
  /** Lowest, highest and default level, where the format has levels. */
  readonly levels: { readonly lowest: number; readonly highest: number; readonly standard: number };
  /** Reads all members or frames. Errors of the stream are the library's own: the caller gives them a code. */
  decoder?(): Transform;
  encoder?(level: number): Transform;
}
