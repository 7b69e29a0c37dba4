import { type CompressionName, codecOf } from '../compression/codecs.js';
import type { Warn } from '../errors.js';
import type { BagFolder } from '../evidence/bag/bag-folder.js';
import { RECORD_NAMES, recordWriter } from '../evidence/records/record-writer.js';
import { SNAPSHOT_DOCUMENTS, SNAPSHOT_RECORDS, SNAPSHOT_TARS } from '../evidence/snapshot-paths.js';
import { type Image, type ImageDocuments, openedImage } from '../image/image.js';
import type { Plan } from '../merge/plan.js';
import type { TargetOptions } from '../options.js';
import { chooseEncoder, type Encoder } from '../output/encoder.js';
import { RecordFile } from '../output/record-file.js';
import { writeTar } from '../output/write-tar.js';
import { type TakeTar, type WriteImageOptions, type WrittenImage, writeImage } from '../write-image.js';

/** How the tars of a bag are compressed, and what they are called then. */
export interface TarForm {
  readonly encoder: Encoder | undefined;
  /** What follows `.tar`: the compression's own extension, if there is one. */
  readonly extension: string;
}

/** @throws DIMGX_COMPRESSION_UNSUPPORTED, DIMGX_OPTION_INVALID for a level that the compression does not have */
export async function tarForm(options: TargetOptions, warn: Warn): Promise<TarForm> {
  const compression: CompressionName = options.compression ?? 'gzip';
  const encoder = await chooseEncoder(undefined, { ...options, compression }, warn);
  return { encoder, extension: compression === 'none' ? '' : (codecOf(compression).extensions[0] ?? '') };
}

/**
 * Writes the payload of a bag: both tars, all records, and the documents of the image in the bytes of its source.
 *
 * @throws as `writeImage`, and DIMGX_TARGET_* of the bag
 */
export async function writePayload(
  bag: BagFolder,
  { encoder, extension }: TarForm,
  image: Image,
  plan: Plan,
  options: WriteImageOptions,
): Promise<WrittenImage> {
  const into = (name: string): TakeTar => {
    const file = bag.openFile(`${name}${extension}`);
    return async (tar, onBytes) => {
      const bytes = await writeTar(file, encoder, tar, { signal: options.signal, onBytes });
      await file.end();
      return bytes;
    };
  };
  const outputs = RECORD_NAMES.map((name) => {
    const file = bag.openFile(SNAPSHOT_RECORDS[name]);
    const text = new RecordFile(file);
    const end = async () => {
      await text.end();
      await file.end();
    };
    return { writer: recordWriter(name, image), append: (lines: string) => text.append(lines), end };
  });
  const tars = { tar: into(SNAPSHOT_TARS.flat), hidden: into(SNAPSHOT_TARS.hidden) };
  const written = await writeImage(plan, { ...tars, records: outputs }, options);
  for (const output of outputs) await output.end();
  const documents: ImageDocuments = openedImage(image).documents?.() ?? {};
  for (const name of ['manifest', 'index', 'config'] as const) {
    const bytes = documents[name];
    if (bytes) await bag.write(SNAPSHOT_DOCUMENTS[name], bytes);
  }
  return written;
}
