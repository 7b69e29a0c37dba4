import { Call } from './base/call/call.js';
import { readBuffer } from './base/io/region.js';
import { checkOptions } from './check-options.js';
import { DimgxError, type Warn } from './errors.js';
import { copiedPaths, rulesFor } from './evidence/copied-paths.js';
import { Versions } from './evidence/versions.js';
import type { TarFiller } from './extract/assembler.js';
import { openExtraction } from './extract/extract-layers.js';
import { selectLayers } from './image/select-layers.js';
import { inspectLayers } from './inspect/inspect-layers.js';
import type { LayerIndex } from './layer/layer-index.js';
import { mergeLayers } from './merge/merge-layers.js';
import { withDestinations } from './output/destinations.js';
import { writeTogether } from './output/output-group.js';
import { openImage } from './source/resolve.js';
import { PassingTar } from './tar/passing-tar.js';
import type { TreeOptions } from './tree.js';
import type { UnpackResult } from './unpack/tree-writer.js';
import { unpackTar } from './unpack/unpack-tar.js';

/** Size of a piece of the tar, in bytes. */
const PIECE = 1024 * 1024;

export interface CopyOptions extends Omit<TreeOptions, 'paths' | 'excludeDevices'> {
  /** Copies keep their whole paths, below the destination. Default false. */
  readonly parents?: boolean | undefined;
  /** Replace files and symlinks that exist. Default false. */
  readonly force?: boolean | undefined;
}

/** What was copied. A tar on standard output has only the first two. */
export interface CopyResult extends Partial<UnpackResult> {
  /** Entries of the tar, with the directories above what is copied. */
  readonly entries: number;
  /** Bytes of contents, without holes; of a tar: its length. */
  readonly bytes: number;
}

/**
 * Copies files and directories out of an image, as `cp -r` would: owned by the caller, with permissions but without
 * set-uid, set-gid and sticky, and with their times. Symlinks are copied as they are, devices and FIFOs are left out, and
 * nothing is written through a symlink. Either everything is copied or nothing. A copy has the last name of its path as it
 * is given; what is in a directory is copied if that is `.` or `..`.
 *
 * @param paths of files, directories or, with `*`, `?` or `[`, patterns
 * @param destination a directory, the path of the only copy, or `-` for a tar on standard output, as exact as that of
 *   `flatten`
 * @throws as `openTree`; DIMGX_OPTION_INVALID for an empty path or two copies of one name; DIMGX_PATH_NOT_FOUND, DIMGX_PATH_HIDDEN, DIMGX_PATH_LOOP, DIMGX_TARGET_*, DIMGX_IMAGE_*
 */
export async function copyFiles(
  reference: string,
  paths: readonly Uint8Array[],
  destination: string,
  options: CopyOptions = {},
): Promise<CopyResult> {
  checkOptions(options);
  if (paths.some(({ length }) => length === 0))
    throw new DimgxError('DIMGX_OPTION_INVALID', 'a path is empty: the root of the image is "/"');
  const call = new Call(options);
  const stageOptions: StageOptions = { ...options, ...call.options, settle: call.settle };
  try {
    return await call.run(async () => {
      const image = await openImage(reference, stageOptions);
      try {
        const select = selectLayers(image, stageOptions, stageOptions.onWarning);
        const layers = await inspectLayers(image, { ...stageOptions, select });
        return await copyFrom(layers, paths, destination, stageOptions);
      } finally {
        await image.close();
      }
    });
  } finally {
    call.end();
  }
}

/** The options in the form the stages take. */
type StageOptions = CopyOptions & { readonly signal: AbortSignal; readonly settle: () => Promise<void> };

async function copyFrom(
  layers: readonly LayerIndex[],
  paths: readonly Uint8Array[],
  destination: string,
  options: StageOptions,
): Promise<CopyResult> {
  const copied = copiedPaths(new Versions(mergeLayers(layers, { ...options, explain: true })), paths);
  // The layers have been merged before, with the same warnings.
  const plan = mergeLayers(layers, { limits: options.limits, paths: rulesFor(copied) });
  const { signal, tmpDir, onProgress } = options;
  const { assembler, size } = openExtraction(plan, { signal, tmpDir });
  let done = 0;
  const onBytes = (bytes: number) => {
    done += bytes;
    onProgress?.({ stage: 'extract', item: 'copy', done, total: bytes === 0 ? done : Math.max(size, done) });
  };
  if (destination === '-') return { entries: plan.length, bytes: await print(assembler, onBytes, options) };
  const unpacking = await unpackTar({ ...options, dest: destination, sources: copied });
  try {
    await passThrough(assembler, new PassingTar(unpacking.visitor), onBytes);
    await options.settle();
    return { entries: plan.length, ...(await unpacking.finish()) };
  } catch (failure) {
    await unpacking.discard();
    throw failure;
  }
}

/** Writes the tar to standard output. */
function print(tar: TarFiller, onBytes: (bytes: number) => void, options: StageOptions): Promise<number> {
  const output = { label: 'the destination', target: '-', options: { compression: 'none' } } as const;
  const warn: Warn = (warning) => options.onWarning?.(warning);
  return withDestinations({ output }, { warn, onLost: () => {} }, ({ output: to }) =>
    writeTogether([to], options, (group) => group.tarInto(to, tar, onBytes)),
  );
}

async function passThrough(tar: TarFiller, passing: PassingTar, onBytes: (bytes: number) => void): Promise<void> {
  const buffer = readBuffer(PIECE);
  try {
    for (let filled = await tar.fill(buffer); filled > 0; filled = await tar.fill(buffer)) {
      await passing.push(buffer.subarray(0, filled));
      onBytes(filled);
    }
    onBytes(0);
  } finally {
    await tar.close();
  }
}
