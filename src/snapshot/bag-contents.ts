import { type CompressionName, codecOf } from '../compression/codecs.js';
import type { Warn } from '../errors.js';
import type { BagFolder } from '../evidence/bag/bag-folder.js';
import { RECORD_NAMES, type RecordName, recordWriter } from '../evidence/records/record-writer.js';
import { type Image, openedImage } from '../image/image.js';
import type { Plan } from '../merge/plan.js';
import type { TargetOptions } from '../options.js';
import { chooseEncoder, type Encoder } from '../output/encoder.js';
import { RecordFile } from '../output/record-file.js';
import { writeTar } from '../output/write-tar.js';
import { type TakeTar, type WriteImageOptions, type WrittenImage, writeImage } from '../write-image.js';

const RECORD_FILES: Readonly<Record<RecordName, string>> = {
  provenance: 'provenance.jsonl',
  sha256sums: 'sha256sums',
  mtree: 'rootfs.mtree',
  bodyfile: 'rootfs.body',
};

/** How the tars of a bag are compressed, and what they are called then. */
export interface TarForm {
  readonly encoder: Encoder | undefined;
  /** `.tar.gz`, with the compression's own extension. */
  readonly extension: string;
}

/** @throws DIMGX_COMPRESSION_UNSUPPORTED, DIMGX_OPTION_INVALID for a level that the compression does not have */
export async function tarForm(options: TargetOptions, warn: Warn): Promise<TarForm> {
  const compression: CompressionName = options.compression ?? 'gzip';
  const encoder = await chooseEncoder(undefined, { ...options, compression }, warn);
  return { encoder, extension: `.tar${compression === 'none' ? '' : codecOf(compression).extensions[0]}` };
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
    const file = bag.openFile(RECORD_FILES[name]);
    const text = new RecordFile(file);
    const end = async () => {
      await text.end();
      await file.end();
    };
    return { writer: recordWriter(name, image), append: (lines: string) => text.append(lines), end };
  });
  const tars = { tar: into('rootfs'), hidden: into('hidden') };
  const written = await writeImage(plan, { ...tars, records: outputs }, options);
  for (const output of outputs) await output.end();
  for (const [name, bytes] of Object.entries(openedImage(image).documents?.() ?? {})) {
    if (bytes) await bag.write(`image/${name}.json`, bytes);
  }
  return written;
}
