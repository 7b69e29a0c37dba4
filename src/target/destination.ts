import { constants, type Stats } from 'node:fs';
import { lstat, readlink, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import type { Codec, CompressionName } from '../compression/codec.js';
import { codecOf, compressionOfName } from '../compression/detect.js';
import { DimgxError, type Warn } from '../errors.js';
import { quoted } from '../image/printable.js';
import type { TargetOptions } from '../options.js';

/** Symlinks followed to find the file behind a target. Source: Linux, MAXSYMLINKS. */
const MAX_SYMLINKS = 40;
const STANDARD_OUTPUT = 1;

/** Where the tar goes, looked at before any work is done. */
export type Destination = { readonly encoder: Encoder | undefined } & (
  | { readonly kind: 'stream'; readonly stream: Writable; readonly name: string }
  | { readonly kind: 'descriptor'; readonly fd: number; readonly name: string }
  | { readonly kind: 'inPlace'; readonly path: string; readonly name: string }
  | { readonly kind: 'file'; readonly path: string; readonly name: string; readonly replaces: Stats | undefined }
);

export interface Encoder {
  readonly codec: Codec & Required<Pick<Codec, 'encoder'>>;
  readonly level: number;
}

/**
 * Looks at a target: whether it may be written, and how it is to be compressed.
 *
 * @param target a path, `-` for standard output, or a stream
 * @throws DIMGX_TARGET_EXISTS, DIMGX_TARGET_TERMINAL, DIMGX_TARGET_UNWRITABLE, DIMGX_COMPRESSION_UNSUPPORTED,
 *   DIMGX_CLI_USAGE for a level that the compression does not have
 */
export async function findDestination(
  target: string | Writable,
  options: TargetOptions,
  warn: Warn,
): Promise<Destination> {
  if (typeof target !== 'string') {
    return {
      kind: 'stream',
      stream: target,
      name: 'stream',
      encoder: encoderOf(options.compression ?? 'none', options),
    };
  }
  if (target === '-') {
    refuseTerminal(STANDARD_OUTPUT, 'standard output');
    const encoder = encoderOf(options.compression ?? 'none', options);
    return { kind: 'descriptor', fd: STANDARD_OUTPUT, name: 'standard output', encoder };
  }
  const encoder = encoderOf(chooseCompression(target, options, warn), options);
  const found = await stat(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw unwritable(target, error);
  });
  if (found && (!found.isFile() || (await isDescriptor(target)))) {
    if (found.isDirectory())
      throw new DimgxError('DIMGX_TARGET_UNWRITABLE', `${quoted(target)} is a directory: name a file`);
    return { kind: 'inPlace', path: target, name: target, encoder };
  }
  if (found && !options.force) throw targetExists(target);
  return { kind: 'file', path: await behindSymlinks(target), name: target, replaces: found, encoder };
}

/** @throws DIMGX_TARGET_TERMINAL */
export function refuseTerminal(fd: number, name: string): void {
  if (!isatty(fd)) return;
  throw new DimgxError('DIMGX_TARGET_TERMINAL', `${name} is a terminal: redirect it, or name a file with -t FILE`);
}

export function targetExists(target: string): DimgxError {
  return new DimgxError(
    'DIMGX_TARGET_EXISTS',
    `${quoted(target)} exists: overwrite it with --force (-w), or name another file`,
  );
}

/** The error for what the operating system refused, by its own code. */
export function unwritable(target: string, error: unknown): DimgxError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EPIPE')
    return new DimgxError('DIMGX_TARGET_CLOSED', `the reader of ${quoted(target)} went away`, { cause: error });
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new DimgxError('DIMGX_TARGET_NO_SPACE', `no room left for ${quoted(target)}: nothing of it was kept`, {
      cause: error,
    });
  }
  return new DimgxError('DIMGX_TARGET_UNWRITABLE', `${quoted(target)} cannot be written: ${message}`, { cause: error });
}

function chooseCompression(target: string, { compression }: TargetOptions, warn: Warn): CompressionName {
  const suggested = compressionOfName(target);
  if (compression !== undefined && compression !== suggested && !target.startsWith('/dev/')) {
    const message = `${quoted(target)} suggests ${suggested === 'none' ? 'no' : suggested} compression, not ${compression}`;
    warn({ code: 'DIMGX_TARGET_EXTENSION', message });
  }
  return compression ?? suggested;
}

function encoderOf(name: CompressionName, { level }: TargetOptions): Encoder | undefined {
  if (name === 'none') return undefined;
  const codec = codecOf(name);
  const { encoder, levels } = codec;
  if (!encoder) {
    const message = `this version cannot write ${name}: use gzip, or pipe -t - into a compressor`;
    throw new DimgxError('DIMGX_COMPRESSION_UNSUPPORTED', message);
  }
  if (level !== undefined && (level < levels.lowest || level > levels.highest)) {
    const message = `${name} has levels ${levels.lowest} to ${levels.highest}, not ${level}`;
    throw new DimgxError('DIMGX_CLI_USAGE', message);
  }
  return { codec: { ...codec, encoder }, level: level ?? levels.standard };
}

/** Whether a path is a name of an open descriptor, such as `/dev/stdout`: those are written in place. */
async function isDescriptor(target: string): Promise<boolean> {
  return (await linksFrom(target)).some((path) => /^\/proc\/[^/]+\/fd\/\d+$/.test(path));
}

async function behindSymlinks(target: string): Promise<string> {
  const paths = await linksFrom(target);
  if (paths.length <= MAX_SYMLINKS) return paths.at(-1) as string;
  throw new DimgxError('DIMGX_TARGET_UNWRITABLE', `${quoted(target)} is a loop of symlinks`);
}

/** The path itself and, one after another, those that its symlinks lead to. */
async function linksFrom(target: string): Promise<string[]> {
  const paths = [resolve(target)];
  while (paths.length <= MAX_SYMLINKS) {
    const path = paths.at(-1) as string;
    const found = await lstat(path).catch(() => undefined);
    if (!found?.isSymbolicLink()) break;
    paths.push(resolve(dirname(path), await readlink(path)));
  }
  return paths;
}

export const IN_PLACE_FLAGS = constants.O_WRONLY | constants.O_NOCTTY;
