import { detectCompression, MAGIC_LENGTH } from '../compression/detect.js';
import { readRegion } from '../file/read-region.js';
import { hexOf } from '../image/digest.js';
import { historyOfLayers, historyRows } from '../image/history.js';
import type { Image, Layer, StoredLayer } from '../image/image.js';
import { layerNames } from '../image/layer-names.js';
import { quoted } from '../image/printable.js';
import type { Region } from '../image/region.js';
import type { Resources } from '../image/resources.js';
import { checkSize } from './checks.js';
import { missingBlob } from './documents.js';
import type { Files } from './files.js';
import type { FoundImage, FoundLayer } from './source.js';

/** What is known of an image beside what its source found. */
export interface Opening {
  readonly reference: string;
  readonly transport: string;
  readonly files: Files;
  /** Takes every layer's descriptor; closed with the image. */
  readonly resources: Resources;
  readonly verify: boolean;
}

/** An image whose layers all lie where they can be read. */
export interface StoredImage extends Image {
  readonly layers: readonly StoredLayer[];
}

/** What of an image its source alone knows. */
export type OwnOfSource<L extends Layer> = Pick<Image, 'reference' | 'source' | 'fetch' | 'resources'> & {
  /** As `describeLayers` gives them, or with more. */
  readonly layers: readonly L[];
};

/**
 * Opens the layers and derives what does not depend on the source: history, compression, names.
 *
 * @throws DIMGX_IMAGE_SIZE_MISMATCH, DIMGX_SOURCE_MISSING_BLOB; what `Files.open` throws
 */
export async function assembleImage(found: FoundImage, opening: Opening): Promise<StoredImage> {
  const layers: StoredLayer[] = [];
  for (const [index, layer] of describeLayers(found).entries()) {
    layers.push(Object.freeze({ ...layer, ...(await openBlob(found.layers[index] as FoundLayer, opening)) }));
  }
  const { reference, transport, files, resources } = opening;
  const source = { transport, location: files.location };
  const fetch = async (wanted: readonly Layer[]) => wanted as readonly StoredLayer[];
  return imageOf(found, { reference, source, layers, fetch, resources });
}

/** An image's layers, oldest to newest, as far as its documents tell of them. */
export function describeLayers(found: FoundImage): readonly Layer[] {
  const steps = historyOfLayers(found.layers.length, found.config.history);
  const names = namesOf(found);
  return found.layers.map(({ file, ...identity }, index) => {
    const diffId = found.config.diffIds[index];
    return Object.freeze({
      ...identity,
      ...(diffId && { diffId }),
      history: steps[index] ?? {},
      name: names[index] ?? file,
    });
  });
}

/** The image that a source found. */
export function imageOf<L extends Layer>(found: FoundImage, own: OwnOfSource<L>): Image & { layers: readonly L[] } {
  const { config, platform, history } = found.config;
  const { reference, source, layers, fetch, resources } = own;
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
    resources,
    close: () => resources.close(),
  });
}

/** How the bytes of a layer are compressed, by the first of them. */
export async function compressionOf(blob: Region): Promise<StoredLayer['compression']> {
  const head = new Uint8Array(Math.min(MAGIC_LENGTH, blob.length));
  await readRegion(blob)(head, 0);
  return detectCompression(head);
}

async function openBlob({ file, claimedSize }: FoundLayer, { files, resources, verify }: Opening) {
  const opened = (await files.open(file)) ?? missingBlob(files, file);
  resources.adoptFile(opened.region.file);
  const blob = opened.region;
  if (verify && claimedSize !== undefined) checkSize(blob.length, claimedSize, `the layer ${quoted(file)}`);
  return { blob, compression: await compressionOf(blob) };
}

function namesOf({ layers, config }: FoundImage): readonly string[] {
  return layerNames(
    layers.map(({ imageId, legacyId, digest }, index) => {
      const named = config.diffIds[index] ?? digest;
      return imageId ?? legacyId ?? (named ? hexOf(named) : `layer ${index + 1}`);
    }),
  );
}
