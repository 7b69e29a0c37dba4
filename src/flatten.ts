import type { Writable } from 'node:stream';
import { Call } from './base/call/call.js';
import { checkOptions } from './check-options.js';
import type { Warn, Warning } from './errors.js';
import { openExtraction } from './extract/extract-layers.js';
import { type Image, type OpenedImage, openedImage } from './image/image.js';
import { selectLayers } from './image/select-layers.js';
import { inspectLayers } from './inspect/inspect-layers.js';
import type { LayerIndex } from './layer/layer-index.js';
import { mergeLayers } from './merge/merge-layers.js';
import { writtenByLayer } from './merge/merge-plan.js';
import type { Plan } from './merge/plan.js';
import type { ExtractOptions, InspectOptions, OpenOptions, SelectOptions, TargetOptions } from './options.js';
import type { Destination } from './output/destination.js';
import { withDestinations } from './output/destinations.js';
import { writeTogether } from './output/output-group.js';
import type { Digest } from './reference/digest.js';
import { openImage } from './source/resolve.js';

export interface FlattenOptions extends OpenOptions, SelectOptions, InspectOptions, ExtractOptions, TargetOptions {
  /** Compute the digest of the tree, for `FlattenResult.treeDigest`. Default false, because it costs time. */
  readonly treeDigest?: boolean | undefined;
}

/** What one layer contributed. */
export interface LayerCount {
  readonly name: string;
  readonly digest?: string;
  readonly diffId?: string;
  /** Entries read. */
  readonly entries: number;
  /** Entries that ended up in the output. */
  readonly written: number;
}

/** A file that is missing from the output. */
export interface LeftOutFile {
  /** Name of the layer. */
  readonly layer: string;
  /** As in the layer; printable. */
  readonly path: string;
  /** What was changed, with the times of the file. */
  readonly message: string;
}

export interface FlattenResult {
  readonly imageId: string;
  readonly manifestDigest?: string;
  /** The source the image came from. */
  readonly source: Image['source'];
  /** Bytes written to the target, after compression. */
  readonly bytes: number;
  /** Entries in the output. */
  readonly entries: number;
  /** Number of paths (devices and hard links to them) that `excludeDevices` left out; absent without that option. */
  readonly excludedDevices?: number;
  /** Files that were left out because they had been changed in an engine's storage; absent without `keepGoing`. */
  readonly leftOut?: readonly LeftOutFile[];
  /** Digest of the tree, `sha256:HEX`; absent without the option `treeDigest`. */
  readonly treeDigest?: Digest;
  /** In selection order: earlier layers win. */
  readonly layers: readonly LayerCount[];
  readonly warnings: readonly Warning[];
}

/**
 * Writes the flattened image to a target: reference → source → image → inspect → merge → extract → target.
 *
 * @param target a path, `-` for standard output, or a stream, which is ended
 * @throws DimgxError with any code in the table. Nothing new is left at the target path. A stream is left untouched if
 *   the work fails before its first byte, and destroyed otherwise
 */
export async function flatten(
  reference: string,
  target: string | Writable,
  options: FlattenOptions = {},
): Promise<FlattenResult> {
  checkOptions(options);
  const call = new Call(options);
  const warnings: Warning[] = [];
  const onWarning = (warning: Warning) => {
    warnings.push(warning);
    call.options.onWarning?.(warning);
  };
  const stageOptions = { ...options, ...call.options, onWarning };
  try {
    const outputs = { tar: { label: 'the target', target, options: stageOptions } };
    const work = () =>
      withDestinations(outputs, { warn: onWarning, onLost: call.fail }, async ({ tar }) => {
        const image = await openImage(reference, stageOptions);
        return flattenInto(tar, image, { ...stageOptions, settle: call.settle, warnings });
      });
    return await call.run(work);
  } finally {
    call.end();
  }
}

/** The options in the form the stages take. */
type StageOptions = FlattenOptions & {
  readonly onWarning: Warn;
  readonly settle: () => Promise<void>;
  readonly warnings: readonly Warning[];
};

async function flattenInto(destination: Destination, image: Image, stageOptions: StageOptions): Promise<FlattenResult> {
  try {
    const select = selectLayers(image, stageOptions, stageOptions.onWarning);
    const layers = await inspectLayers(image, { ...stageOptions, select });
    const plan = mergeLayers(layers, stageOptions);
    let treeDigest: Digest | undefined;
    const onTreeDigest = (digest: Digest) => {
      treeDigest = digest;
      stageOptions.onTreeDigest?.(digest);
    };
    const extractOptions = stageOptions.treeDigest ? { ...stageOptions, onTreeDigest } : stageOptions;
    const { assembler, size } = openExtraction(plan, extractOptions);
    const onBytes = progressOf(destination.name, size, stageOptions);
    const bytes = await writeTogether([destination], stageOptions, (outputs) =>
      outputs.tarInto(destination, assembler, onBytes),
    );
    const excluded = stageOptions.excludeDevices ? { excludedDevices: plan.excluded } : {};
    const digest = treeDigest && { treeDigest };
    const left = leftOutOf(openedImage(image));
    return { ...resultOf(image, plan), bytes, ...excluded, ...left, ...digest, warnings: stageOptions.warnings };
  } finally {
    await image.close();
  }
}

function leftOutOf({ leftOut }: OpenedImage): Pick<FlattenResult, 'leftOut'> {
  if (!leftOut) return {};
  return { leftOut: leftOut.map(({ layer = '', path = '', message }) => ({ layer, path, message })) };
}

function progressOf(item: string, size: number, { onProgress }: FlattenOptions): (bytes: number) => void {
  let done = 0;
  return (bytes) => {
    done += bytes;
    onProgress?.({ stage: 'extract', item, done, total: bytes === 0 ? done : Math.max(size, done) });
  };
}

function resultOf({ id, manifestDigest, source }: Image, plan: Plan) {
  const written = writtenByLayer(plan);
  const count = ({ layer, entries }: LayerIndex, i: number): LayerCount => ({
    name: layer.name,
    ...(layer.digest && { digest: layer.digest }),
    ...(layer.diffId && { diffId: layer.diffId }),
    entries: entries.length,
    written: written[i] as number,
  });
  const layers = plan.layers.map(count);
  return { imageId: id, ...(manifestDigest && { manifestDigest }), source, entries: plan.length, layers };
}
