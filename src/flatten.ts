import type { Writable } from 'node:stream';
import { Call } from './base/call/call.js';
import { checkOptions, requireThat } from './check-options.js';
import type { Warn, Warning } from './errors.js';
import { RECORD_NAMES, recordWriter } from './evidence/records/record-writer.js';
import { type Image, type OpenedImage, openedImage } from './image/image.js';
import { selectLayers } from './image/select-layers.js';
import { inspectLayers } from './inspect/inspect-layers.js';
import { mergeLayers } from './merge/merge-layers.js';
import type { ExtractOptions, InspectOptions, OpenOptions, SelectOptions, TargetOptions } from './options.js';
import type { Destination } from './output/destination.js';
import { type DestinationsOf, withDestinations } from './output/destinations.js';
import { writeTogether } from './output/output-group.js';
import type { Digest } from './reference/digest.js';
import { openImage } from './source/resolve.js';
import { type LayerCount, type TakeTar, writeImage } from './write-image.js';

export interface FlattenOptions extends OpenOptions, SelectOptions, InspectOptions, ExtractOptions, TargetOptions {
  /** Compute the digest of the tree, for `FlattenResult.treeDigest`. Default false, because it costs time. */
  readonly treeDigest?: boolean | undefined;
  /** Write a tar of all hidden versions there: a path, whose extension implies the compression, `-`, or a stream. */
  readonly hiddenTo?: string | Writable | undefined;
  /** Write records of what is in the tar. */
  readonly records?: RecordTargets | undefined;
}

/** Where to write records: paths, `-` for standard output, or streams, which are ended. See docs/evidence.md. */
export interface RecordTargets {
  /** JSON Lines: where each entry comes from, and every hidden version. */
  readonly provenance?: string | Writable | undefined;
  /** Hashes of all files, as GNU `sha256sum` prints them. */
  readonly sha256sums?: string | Writable | undefined;
  /** A specification for `mtree`. */
  readonly mtree?: string | Writable | undefined;
  /** A body file of The Sleuth Kit, with hidden versions. */
  readonly bodyfile?: string | Writable | undefined;
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
  /** Bytes written to the target, after compression; 0 without a target. */
  readonly bytes: number;
  /** Bytes of the tar of hidden versions, after compression; absent without `hiddenTo`. */
  readonly hiddenBytes?: number;
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
 * Writes the flattened image to a target, a tar of its hidden versions, and records of what is in them: reference →
 * source → image → inspect → merge → extract → targets. All files appear together, or none.
 *
 * @param target a path, `-` for standard output, or a stream, which is ended; `undefined` if only records or hidden
 *   versions are wanted
 * @throws DimgxError with any code in the table. Nothing new is left at the target paths. A stream is left untouched if
 *   the work fails before its first byte, and destroyed otherwise
 */
export async function flatten(
  reference: string,
  target: string | Writable | undefined,
  options: FlattenOptions = {},
): Promise<FlattenResult> {
  checkOptions(options);
  const call = new Call(options);
  const warnings: Warning[] = [];
  const onWarning = (warning: Warning) => {
    warnings.push(warning);
    call.options.onWarning?.(warning);
  };
  const stageOptions = { ...options, ...call.options, onWarning, settle: call.settle, warnings };
  try {
    const work = () =>
      withDestinations(
        outputsOf(target, stageOptions),
        { warn: onWarning, onLost: call.fail },
        async (destinations) => {
          const image = await openImage(reference, stageOptions);
          return flattenInto(destinations, image, stageOptions);
        },
      );
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

/** What the caller wants, with the names of the options that ask for it. */
function outputsOf(target: string | Writable | undefined, options: StageOptions) {
  const { records = {}, hiddenTo, force, threads } = options;
  const wanted = [target, hiddenTo, ...RECORD_NAMES.map((name) => records[name])];
  requireThat(
    wanted.some((output) => output !== undefined),
    'the target',
    'given, unless records are',
    target,
  );
  const output = (label: string, to: string | Writable | undefined, how: TargetOptions) =>
    to === undefined ? undefined : { label, target: to, options: how };
  const plain = { force, compression: 'none' } as const;
  return {
    tar: output('the target', target, options),
    hiddenTar: output('the tar of hidden versions', hiddenTo, { force, threads }),
    provenance: output('the provenance', records.provenance, plain),
    sha256sums: output('the list of hashes', records.sha256sums, plain),
    mtree: output('the specification for mtree', records.mtree, plain),
    bodyfile: output('the body file', records.bodyfile, plain),
  };
}

type FlattenDestinations = DestinationsOf<ReturnType<typeof outputsOf>>;

async function flattenInto(
  destinations: FlattenDestinations,
  image: Image,
  stageOptions: StageOptions,
): Promise<FlattenResult> {
  const { tar, hiddenTar } = destinations;
  try {
    const select = selectLayers(image, stageOptions, stageOptions.onWarning);
    const layers = await inspectLayers(image, { ...stageOptions, select });
    const all = Object.values(destinations).filter((destination) => destination !== undefined);
    const explain = all.some((destination) => destination !== tar);
    const plan = mergeLayers(layers, { ...stageOptions, explain });
    let treeDigest: Digest | undefined;
    const onTreeDigest = (digest: Digest) => {
      treeDigest = digest;
      stageOptions.onTreeDigest?.(digest);
    };
    const onBytes = progressOf((tar ?? (all[0] as Destination)).name, stageOptions);
    const writeOptions = { ...stageOptions, onBytes, ...(stageOptions.treeDigest && { onTreeDigest }) };
    const written = await writeTogether(all, stageOptions, (outputs) => {
      const into = (to: Destination | undefined): TakeTar | undefined =>
        to && ((filler, onBytesOfTar) => outputs.tarInto(to, filler, onBytesOfTar));
      const records = RECORD_NAMES.flatMap((name) => {
        const to = destinations[name];
        const file = to && outputs.recordInto(to);
        return file ? { writer: recordWriter(name, image), append: (text: string) => file.append(text) } : [];
      });
      return writeImage(plan, { tar: into(tar), hidden: into(hiddenTar), records }, writeOptions);
    });
    const excluded = stageOptions.excludeDevices ? { excludedDevices: plan.excluded } : {};
    const digest = treeDigest && { treeDigest };
    const left = leftOutOf(openedImage(image));
    const { bytes, hiddenBytes, layers: counts } = written;
    const sizes = { bytes, ...(hiddenTar && { hiddenBytes }) };
    const { id: imageId, manifestDigest, source } = image;
    const facts = { imageId, ...(manifestDigest && { manifestDigest }), source, entries: plan.length };
    return { ...facts, layers: counts, ...sizes, ...excluded, ...left, ...digest, warnings: stageOptions.warnings };
  } finally {
    await image.close();
  }
}

function leftOutOf({ leftOut }: OpenedImage): Pick<FlattenResult, 'leftOut'> {
  if (!leftOut) return {};
  return { leftOut: leftOut.map(({ layer = '', path = '', message }) => ({ layer, path, message })) };
}

function progressOf(item: string, { onProgress }: FlattenOptions): (bytes: number, size: number) => void {
  let done = 0;
  return (bytes, size) => {
    done += bytes;
    onProgress?.({ stage: 'extract', item, done, total: bytes === 0 ? done : Math.max(size, done) });
  };
}
