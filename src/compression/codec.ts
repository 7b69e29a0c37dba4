import type { Duplex } from 'node:stream';

export type CompressionName = 'none' | 'gzip' | 'bzip2' | 'xz' | 'zstd';

/** One compression, in both directions. Every file of this folder that is named after a format exports one. */
export interface Codec {
  readonly name: CompressionName;
  /** How a stream of this format begins. */
  readonly magic: readonly number[];
  /** How else one may begin. */
  readonly otherMagic?: readonly (readonly number[])[];
  /** File name endings that ask for it, with the dot. */
  readonly extensions: readonly string[];
  /** Lowest, highest and default level, where the format has levels. */
  readonly levels: { readonly lowest: number; readonly highest: number; readonly standard: number };
  /**
   * Loads what reading needs; then streams are made at once. They read all members or frames. Their errors are the
   * library's own: the caller gives them a code. What they are given they do not keep beyond the callback of its write.
   */
  decoder(): Promise<() => Duplex>;
  /** Loads what writing needs. */
  encoder(): Promise<MakeEncoder>;
}

export type MakeEncoder = (settings: EncoderSettings) => Duplex;

export interface EncoderSettings {
  readonly level: number;
  /** That work at once at most; at least 1. The bytes do not depend on it. */
  readonly threads: number;
}
