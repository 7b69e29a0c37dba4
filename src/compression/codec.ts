import type { Duplex } from 'node:stream';
import { isTooManyFiles } from '../base/io/open-file-limit.js';
import { reasonOf } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';

/**
 * One compression format, in both directions. Each file in this folder that is named after a format exports one, and
 * `codecs.ts` lists it.
 */
export interface Codec {
  /** First bytes of a stream of this format. */
  readonly magic: readonly number[];
  /** Other possible first bytes. */
  readonly otherMagic?: readonly (readonly number[])[];
  /** File name extensions that select this format, with the dot. */
  readonly extensions: readonly string[];
  /** Lowest, highest and default level, where the format has levels. */
  readonly levels: { readonly lowest: number; readonly highest: number; readonly standard: number };
  /** Whether its decoder runs in the calling thread and blocks it. */
  readonly blocksThread: boolean;
  /**
   * Loads what decoding needs. The function that it resolves with creates decoders synchronously. Decoders read all
   * members or frames. Their errors are those of the underlying library; the caller adds a code. They do not keep a
   * written piece after the callback of its write.
   */
  loadDecoder(): Promise<MakeDecoder>;
  /** Loads what encoding needs. */
  loadEncoder(): Promise<MakeEncoder>;
}

/** A stream that decodes. */
export interface Decoder extends Duplex {
  /** Memory that it has needed so far, in bytes, besides what waits for the reader. An estimate. */
  readonly memory: number;
}

/**
 * @param waiting maximum length of the output that waits for the reader, in bytes, give or take a piece. Pieces are at
 *   most half as long, where the format allows that. Default 2 MiB
 * @param isChecked the bytes have been decoded before, or are compared with a digest: checksums in them need not be
 *   computed. Default false
 */
export type MakeDecoder = (waiting?: number, isChecked?: boolean) => Decoder;

export type MakeEncoder = (settings: EncoderSettings) => Duplex;

export interface EncoderSettings {
  readonly level: number;
  /** Maximum number that work at once; at least 1. The output does not depend on it. */
  readonly threads: number;
}

/**
 * Loads the parts of a package that a codec needs.
 *
 * @throws DIMGX_COMPRESSION_UNSUPPORTED when the package is missing, or when a bundler left out a part of it
 */
export async function loadPackage<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (isTooManyFiles(cause)) throw cause;
    const message =
      `the package ${name} cannot be loaded: ${reasonOf(cause)}; reinstall dimgx, or mark it as external ` +
      'if this program is a bundle';
    throw new DimgxError('DIMGX_COMPRESSION_UNSUPPORTED', message, { cause });
  }
}
