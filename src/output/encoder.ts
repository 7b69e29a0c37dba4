import { availableParallelism } from 'node:os';
import type { Duplex } from 'node:stream';
import { quoted } from '../base/text/printable.js';
import { type CompressionName, codecOf, compressionOfName } from '../compression/codecs.js';
import { DimgxError, type Warn } from '../errors.js';
import type { TargetOptions } from '../options.js';

/** Compresses the tar as it is written. */
export interface Encoder {
  readonly compression: CompressionName;
  readonly level: number;
  open(): Duplex;
}

/**
 * The encoder for the requested compression, or for the extension of the target's name; `undefined` for no compression.
 *
 * @param name file name of the target; `undefined` if it has no name with an extension
 * @throws DIMGX_COMPRESSION_UNSUPPORTED; DIMGX_OPTION_INVALID for a level that the compression does not have
 */
export async function chooseEncoder(
  name: string | undefined,
  options: TargetOptions,
  warn: Warn,
): Promise<Encoder | undefined> {
  const { compression } = options;
  const suggested = name === undefined ? 'none' : compressionOfName(name);
  if (name !== undefined && compression !== undefined && compression !== suggested && hasExtension(name)) {
    const message = `${quoted(name)} suggests ${suggested === 'none' ? 'no' : suggested} compression, not ${compression}`;
    warn({ code: 'DIMGX_TARGET_EXTENSION', message, count: 1 });
  }
  return encoderOf(compression ?? suggested, options);
}

/**
 * Whether the name says anything about compression: `rootfs` and `/dev/stdout` do not, `rootfs.tar` says no
 * compression.
 */
function hasExtension(name: string): boolean {
  return compressionOfName(name) !== 'none' || name.toLowerCase().endsWith('.tar');
}

async function encoderOf(name: CompressionName, options: TargetOptions): Promise<Encoder | undefined> {
  if (name === 'none') return undefined;
  const codec = codecOf(name);
  const { levels } = codec;
  const level = options.level ?? levels.standard;
  if (!(Number.isInteger(level) && level >= levels.lowest && level <= levels.highest)) {
    const message = `${name} has levels ${levels.lowest} to ${levels.highest}, not ${level}`;
    throw new DimgxError('DIMGX_OPTION_INVALID', message);
  }
  const makeEncoder = await codec.loadEncoder();
  const threads = options.threads ?? availableParallelism();
  return { compression: name, level, open: () => makeEncoder({ level, threads }) };
}
