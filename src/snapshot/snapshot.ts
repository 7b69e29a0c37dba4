import { Call } from '../base/call/call.js';
import { checkOptions } from '../check-options.js';
import type { Warning } from '../errors.js';
import { BagFolder } from '../evidence/bag/bag-folder.js';
import type { ExaminationOptions } from '../evidence/bag/tag-files.js';
import type { FlattenOptions } from '../flatten.js';
import type { Image } from '../image/image.js';
import { selectLayers } from '../image/select-layers.js';
import { inspectLayers } from '../inspect/inspect-layers.js';
import { mergeLayers } from '../merge/merge-layers.js';
import type { Digest } from '../reference/digest.js';
import { openImage } from '../source/resolve.js';
import { type TarForm, tarForm, writePayload } from './bag-contents.js';
import { type SnapshotFacts, snapshotFacts } from './snapshot-facts.js';

/** The compression is gzip unless another one is asked for. */
export interface SnapshotOptions
  extends Omit<FlattenOptions, 'force' | 'hiddenTo' | 'records' | 'treeDigest'>,
    ExaminationOptions {}

/**
 * Takes a snapshot of an image: a bag (RFC 8493) with the flat tar, a tar of all hidden versions, records of both, and
 * the documents of the image. The bag appears whole or not at all. Only its tag files depend on when and where it was
 * made.
 *
 * @param directory absent or empty
 * @returns what `snapshot.json` says
 * @throws DimgxError with any code in the table; nothing new is left then
 */
export async function snapshot(
  reference: string,
  directory: string,
  options: SnapshotOptions = {},
): Promise<SnapshotFacts> {
  checkOptions(options);
  const call = new Call(options);
  const started = new Date();
  const warnings: Warning[] = [];
  const onWarning = (warning: Warning) => {
    warnings.push(warning);
    call.options.onWarning?.(warning);
  };
  const stageOptions = { ...options, ...call.options, onWarning, started, warnings };
  try {
    return await call.run(async () => {
      const form = await tarForm(options, onWarning);
      const bag = await BagFolder.create(directory, call.options.signal);
      try {
        const facts = await snapshotInto(bag, form, await openImage(reference, stageOptions), stageOptions);
        await call.settle();
        await complete(bag, facts);
        return facts;
      } catch (failure) {
        await bag.discard();
        throw failure;
      }
    });
  } finally {
    call.end();
  }
}

/** The options in the form the stages take. */
type StageOptions = SnapshotOptions & { readonly started: Date; readonly warnings: readonly Warning[] };

async function snapshotInto(
  bag: BagFolder,
  form: TarForm,
  image: Image,
  options: StageOptions,
): Promise<SnapshotFacts> {
  try {
    const select = selectLayers(image, options, options.onWarning);
    const layers = await inspectLayers(image, { ...options, select });
    const plan = mergeLayers(layers, { ...options, explain: true });
    let treeDigest = '';
    const onTreeDigest = (digest: Digest) => {
      treeDigest = digest;
      options.onTreeDigest?.(digest);
    };
    let done = 0;
    const onBytes = (bytes: number, size: number) => {
      done += bytes;
      const total = bytes === 0 ? done : Math.max(size, done);
      options.onProgress?.({ stage: 'extract', item: 'snapshot', done, total });
    };
    const { layers: counts } = await writePayload(bag, form, image, plan, { ...options, onBytes, onTreeDigest });
    const { started, warnings } = options;
    return snapshotFacts(image, { treeDigest, entries: plan.length, layers: counts, warnings, started }, options);
  } finally {
    await image.close();
  }
}

async function complete(bag: BagFolder, facts: SnapshotFacts): Promise<void> {
  const { ended, dimgx, reference, imageId, manifestDigest } = facts;
  const identifiers = [reference, `sha256:${imageId}`, ...(manifestDigest ? [manifestDigest] : [])];
  const json = Buffer.from(`${JSON.stringify(facts, null, 2)}\n`);
  const bagFacts = { ...facts, date: new Date(ended), softwareAgent: `dimgx ${dimgx}`, identifiers };
  await bag.complete(bagFacts, [{ name: 'snapshot.json', bytes: json }]);
}
