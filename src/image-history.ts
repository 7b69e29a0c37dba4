import { checkOptions } from './check-options.js';
import { DimgxError } from './errors.js';
import { buildCommand } from './evidence/build-command.js';
import { type Change, changesOf } from './evidence/changes.js';
import { type ChangeCount, countChanges } from './evidence/count-changes.js';
import { Versions } from './evidence/versions.js';
import type { Image } from './image/image.js';
import type { HistoryEntry, Layer } from './image/layer.js';
import { selectLayers } from './image/select-layers.js';
import { mergeLayers } from './merge/merge-layers.js';
import { openImage } from './source/resolve.js';
import { inspectTree, type TreeOptions } from './tree.js';

/** One step of the build of an image. */
export interface BuildStep extends HistoryEntry {
  /** The layer that it made, where 1 is the base. Absent: it only changed metadata. */
  readonly layer?: number;
  readonly diffId?: string;
  /** The command as a line of a Dockerfile. */
  readonly command: string;
  /** What the layer did to the tree below it. */
  readonly changes?: ChangeCount;
}

/**
 * Tells what layers did, as `docker diff` would have told. Only headers are read.
 *
 * @param options `layers` selects layers that follow one another; default: all
 * @returns sorted by the bytes of the paths
 * @throws as `openTree`; DIMGX_OPTION_INVALID if there are layers between the selected ones
 */
export async function listChanges(reference: string, options: TreeOptions = {}): Promise<readonly Change[]> {
  checkOptions(options);
  const image = await openImage(reference, options);
  try {
    const positions = positionsOf(image, selectLayers(image, options, options.onWarning));
    const [first = 0] = positions;
    const last = positions.at(-1);
    if (last === undefined) return [];
    if (last - first + 1 !== positions.length) {
      const message = 'the layers whose changes are listed must follow one another: select a range, such as @2:@4';
      throw new DimgxError('DIMGX_OPTION_INVALID', message);
    }
    return [...changesOf(await versionsUpTo(image, last, options), first, last)];
  } finally {
    await image.close();
  }
}

/**
 * Lists the steps that built an image, oldest first, with what each layer did. Only headers are read.
 *
 * @param options `layers`: only the steps that made these layers
 * @throws as `openTree`
 */
export async function listBuildSteps(reference: string, options: TreeOptions = {}): Promise<readonly BuildStep[]> {
  checkOptions(options);
  const image = await openImage(reference, options);
  try {
    const positions = positionsOf(image, selectLayers(image, options, options.onWarning));
    const last = positions.at(-1);
    const counts = last === undefined ? [] : countChanges(await versionsUpTo(image, last, options));
    return image.history.flatMap(({ history, layer }): BuildStep | readonly [] => {
      const command = buildCommand(history.createdBy);
      if (!layer) return options.layers ? [] : { ...history, command };
      const position = image.layers.indexOf(layer);
      if (!positions.includes(position)) return [];
      const changes = counts[position] as ChangeCount;
      return { ...history, layer: position + 1, ...(layer.diffId && { diffId: layer.diffId }), command, changes };
    });
  } finally {
    await image.close();
  }
}

/** The positions of layers in their image, ascending; 0 is the oldest. */
function positionsOf(image: Image, layers: readonly Layer[]): readonly number[] {
  return layers.map((layer) => image.layers.indexOf(layer)).sort((one, other) => one - other);
}

/** All versions that the layers up to a position make: those that are not selected count as what was there before. */
async function versionsUpTo(image: Image, last: number, options: TreeOptions): Promise<Versions> {
  const layers = await inspectTree(image, image.layers.slice(0, last + 1).reverse(), options);
  return new Versions(mergeLayers(layers, { ...options, explain: true }));
}
