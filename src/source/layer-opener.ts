import { printable, quoted } from '../base/text/printable.js';
import { compressionOf } from '../compression/detect.js';
import { DimgxError, isSystemError } from '../errors.js';
import { checkSize } from '../image/checks.js';
import type { StoredLayer } from '../image/image.js';
import { type ForeignLayer, foreignProblem } from '../registry/foreign-layers.js';
import type { Opening } from './form/assemble-image.js';
import { missingBlob } from './form/documents.js';
import type { FoundLayer } from './form/source.js';

type StoredBlob = Pick<StoredLayer, 'blob' | 'compression'>;
type Outcome = StoredBlob | { readonly problem: DimgxError } | { readonly foreign: Omit<ForeignLayer, 'layer'> };

/** Codes of errors that concern all layers, not only the one being opened. */
const OF_ALL: readonly string[] = ['DIMGX_TOO_MANY_FILES', 'DIMGX_ABORTED', 'DIMGX_INTERNAL'];

/** Opens the layers among an image's files. Each file is opened once. */
export class LayerOpener {
  readonly #opening: Opening;
  readonly #opened = new Map<string, StoredBlob>();

  constructor(opening: Opening) {
    this.#opening = opening;
  }

  /** @throws DIMGX_TOO_MANY_FILES, DIMGX_ABORTED; any other failure becomes the layer's problem */
  async open(found: FoundLayer): Promise<Outcome> {
    if (found.problem) return { problem: found.problem };
    try {
      return (await this.#find(found)) ?? this.#absent(found);
    } catch (failure) {
      return { problem: problemOf(failure, found) };
    }
  }

  async #find({ file, claimedSize }: FoundLayer): Promise<StoredBlob | undefined> {
    const { files, resources, verify } = this.#opening;
    const stored = this.#opened.get(file) ?? (await openStored(file, files, resources));
    if (!stored) return undefined;
    this.#opened.set(file, stored);
    if (verify && claimedSize !== undefined) checkSize(stored.blob.length, claimedSize, `the layer ${quoted(file)}`);
    return stored;
  }

  #absent({ file, digest, foreign }: FoundLayer): Outcome {
    const { files, fetchForeign } = this.#opening;
    if (!foreign) return missingBlob(files, file);
    if (fetchForeign && digest) return { foreign: { urls: foreign } };
    return { problem: foreignProblem(digest ?? quoted(file), foreign, files.location) };
  }
}

async function openStored(
  file: string,
  files: Opening['files'],
  resources: Opening['resources'],
): Promise<StoredBlob | undefined> {
  const opened = await files.open(file);
  if (!opened) return undefined;
  resources.adoptFile(opened.region.file);
  return { blob: opened.region, compression: await compressionOf(opened.region) };
}

function problemOf(failure: unknown, { file }: FoundLayer): DimgxError {
  if (failure instanceof DimgxError && !OF_ALL.includes(failure.code)) return failure;
  if (!isSystemError(failure)) throw failure;
  const message = `the layer ${quoted(file)} cannot be read: ${printable(failure.message, 300)}`;
  return new DimgxError('DIMGX_SOURCE_UNREADABLE', message, { cause: failure });
}
