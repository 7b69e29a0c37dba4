import type { Resources } from '../../base/io/resources.js';
import { printable, quoted } from '../../base/text/printable.js';
import { compressionOf } from '../../compression/packed-region.js';
import { DimgxError, isSystemError, type Warn } from '../../errors.js';
import { checkSize } from '../../image/checks.js';
import { historyOfLayers, historyRows, layerNames } from '../../image/history.js';
import type { OpenedImage } from '../../image/image.js';
import type { Layer, StoredLayer } from '../../image/layer.js';
import { hexOf } from '../../reference/digest.js';
import { type ForeignLayer, foreignProblem } from '../../registry/foreign-layers.js';
import type { Files } from '../files/files.js';
import { missingBlob } from './documents.js';
import type { FoundImage, FoundLayer } from './form.js';

/** What is known about an image besides what its source found. */
interface Opening {
  readonly reference: string;
  readonly transport: string;
  readonly files: Files;
  /** Adopts the file of every layer; closed with the image. */
  readonly resources: Resources;
  readonly verify: boolean;
  /** Downloads layers that are not among the files. By default they are not downloaded. */
  readonly fetchForeign?: ((layers: readonly ForeignLayer[]) => Promise<readonly StoredLayer[]>) | undefined;
}

/** The parts of an image that only its source knows. */
type OwnOfSource<L extends Layer> = Pick<OpenedImage, 'reference' | 'source' | 'fetch' | 'resources'> & {
  readonly leftOut?: OpenedImage['leftOut'] | undefined;
  readonly loadIndex?: OpenedImage['loadIndex'];
  /** As `describeLayers` returns them, or with more fields. */
  readonly layers: readonly L[];
};

/**
 * Finds the layers among the image's files, and derives what does not depend on the source: history, compression,
 * names. A layer that cannot be read has a `problem`, which does not affect the others.
 *
 * @throws DIMGX_TOO_MANY_FILES, DIMGX_ABORTED
 */
export async function assembleImage(found: FoundImage, opening: Opening): Promise<OpenedImage> {
  const { reference, transport, files, resources, fetchForeign } = opening;
  const opener = new LayerOpener(opening);
  const layers: Layer[] = [];
  const foreign = new Map<Layer, ForeignLayer>();
  for (const [index, layer] of describeLayers(found).entries()) {
    const outcome = await opener.open(found.layers[index] as FoundLayer);
    const described: Layer = Object.freeze({ ...layer, ...('foreign' in outcome ? {} : outcome) });
    if ('foreign' in outcome) foreign.set(described, { ...outcome.foreign, layer: described });
    layers.push(described);
  }
  const source = { transport, location: files.location };
  const fetch = async (wanted: readonly Layer[]) => {
    const elsewhere = [...new Set(wanted)].flatMap((layer) => foreign.get(layer) ?? []);
    if (elsewhere.length === 0 || !fetchForeign) return wanted as readonly StoredLayer[];
    const fetched = await fetchForeign(elsewhere);
    const stored = new Map(elsewhere.map(({ layer }, index) => [layer, fetched[index] as StoredLayer]));
    return wanted.map((layer) => stored.get(layer) ?? (layer as StoredLayer));
  };
  return imageOf(found, { reference, source, layers, fetch, resources });
}

/** An image's layers, oldest to newest, as far as its documents describe them. */
export function describeLayers(found: FoundImage): readonly Layer[] {
  const steps = historyOfLayers(found.layers.length, found.config.history);
  const names = namesOf(found);
  return found.layers.map(({ file, foreign: _, ...identity }, index) => {
    const diffId = found.config.diffIds[index];
    return Object.freeze({
      ...identity,
      ...(identity.claimedSize !== undefined && { storedSize: identity.claimedSize }),
      ...(diffId && { diffId }),
      history: steps[index] ?? {},
      name: names[index] ?? file,
    });
  });
}

/** Makes the image that a source found. */
export function imageOf<L extends Layer>(
  found: FoundImage,
  own: OwnOfSource<L>,
): OpenedImage & { layers: readonly L[] } {
  const { config, platform, history } = found.config;
  const { reference, source, layers, loadIndex, leftOut, resources } = own;
  const fetch: OpenedImage['fetch'] = async (wanted, watch) => {
    const asked = new Set(wanted);
    const problem = layers.find((layer) => layer.problem && asked.has(layer))?.problem;
    if (problem) throw problem;
    return own.fetch(wanted, watch);
  };
  return Object.freeze({
    reference,
    source,
    id: found.id,
    ...(found.manifestDigest && { manifestDigest: found.manifestDigest }),
    tags: Object.freeze([...found.tags]),
    config: Object.freeze(config),
    ...(platform && { platform }),
    layers: Object.freeze([...layers]),
    history: Object.freeze(historyRows(layers, history)),
    fetch,
    documents: () => ({ ...found.documents, config: found.config.bytes }),
    ...(loadIndex && { loadIndex }),
    ...(leftOut && { leftOut }),
    resources,
    close: () => resources.close(),
    [Symbol.asyncDispose]: () => resources.close(),
  });
}

function namesOf({ layers, config }: FoundImage): readonly string[] {
  return layerNames(
    layers.map(({ imageId, legacyId, digest }, index) => {
      const named = config.diffIds[index] ?? digest;
      return imageId ?? legacyId ?? (named ? hexOf(named) : `layer ${index + 1}`);
    }),
  );
}

/** Warns about malformed parts of an image's documents that were ignored because they do not change the tree. */
export function warnOfOddities({ config, oddities = [], layers }: FoundImage, warn: Warn): void {
  const [first] = oddities;
  if (first !== undefined) warn({ code: 'DIMGX_IMAGE_ODD_MANIFEST', message: first, count: oddities.length });
  if (config.oddity) warn({ code: 'DIMGX_IMAGE_ODD_CONFIG', message: config.oddity, count: 1 });
  const made = config.history.filter(({ madeLayer }) => madeLayer).length;
  if (config.history.length === 0 || made === layers.length) return;
  const message = `the history in the config lists ${made} layers, but the image has ${layers.length}: the history is left out`;
  warn({ code: 'DIMGX_IMAGE_ODD_CONFIG', message, count: 1 });
}

type OpenedBlob = Pick<StoredLayer, 'blob' | 'compression' | 'storedSize'>;
type Outcome = OpenedBlob | { readonly problem: DimgxError } | { readonly foreign: Omit<ForeignLayer, 'layer'> };

/** Codes of errors that concern all layers, not only the one being opened. */
const OF_ALL: readonly string[] = ['DIMGX_TOO_MANY_FILES', 'DIMGX_ABORTED', 'DIMGX_INTERNAL'];

/** Opens the layers among an image's files. Each file is opened once. */
class LayerOpener {
  readonly #opening: Opening;
  readonly #opened = new Map<string, OpenedBlob>();

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

  async #find({ file, claimedSize }: FoundLayer): Promise<OpenedBlob | undefined> {
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
): Promise<OpenedBlob | undefined> {
  const opened = await files.open(file);
  if (!opened) return undefined;
  resources.adoptFile(opened.region.file);
  return { blob: opened.region, storedSize: opened.region.length, compression: await compressionOf(opened.region) };
}

function problemOf(failure: unknown, { file }: FoundLayer): DimgxError {
  if (failure instanceof DimgxError && !OF_ALL.includes(failure.code)) return failure;
  if (!isSystemError(failure)) throw failure;
  const message = `the layer ${quoted(file)} cannot be read: ${printable(failure.message, 300)}`;
  return new DimgxError('DIMGX_SOURCE_UNREADABLE', message, { cause: failure });
}
