import { detectCompression, MAGIC_LENGTH } from '../compression/detect.js';
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
import { readRegion } from './read-region.js';
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

/**
 * Opens the layers and derives what does not depend on the source: history, compression, names.
 *
 * @throws DIMGX_IMAGE_SIZE_MISMATCH, DIMGX_SOURCE_MISSING_BLOB; what `Files.open` throws
 */
export async function assembleImage(found: FoundImage, opening: Opening): Promise<StoredImage> {
  const { config, platform, history } = found.config;
  const steps = historyOfLayers(found.layers.length, history);
  const names = namesOf(found);
  const layers: StoredLayer[] = [];
  for (const [index, layer] of found.layers.entries()) {
    const { file, ...identity } = layer;
    const diffId = found.config.diffIds[index];
    layers.push(
      Object.freeze({
        ...identity,
        ...(await openBlob(layer, opening)),
        ...(diffId && { diffId }),
        history: steps[index] ?? {},
        name: names[index] ?? file,
      }),
    );
  }
  const { reference, transport, files, resources } = opening;
  return Object.freeze({
    reference,
    source: { transport, location: files.location },
    id: found.id,
    ...(found.manifestDigest && { manifestDigest: found.manifestDigest }),
    tags: Object.freeze([...found.tags]),
    config: Object.freeze(config),
    ...(platform && { platform }),
    layers: Object.freeze(layers),
    history: Object.freeze(historyRows(layers, history)),
    fetch: async (wanted: readonly Layer[]) => wanted as readonly StoredLayer[],
    resources,
    close: () => resources.close(),
  });
}

async function openBlob({ file, claimedSize }: FoundLayer, { files, resources, verify }: Opening) {
  const opened = (await files.open(file)) ?? missingBlob(files, file);
  resources.adopt(() => opened.close());
  const blob = opened.region;
  if (verify && claimedSize !== undefined) checkSize(blob.length, claimedSize, `the layer ${quoted(file)}`);
  return { blob, compression: detectCompression(await headOf(blob)) };
}

async function headOf(blob: Region): Promise<Uint8Array> {
  const head = new Uint8Array(Math.min(MAGIC_LENGTH, blob.length));
  await readRegion(blob)(head, 0);
  return head;
}

function namesOf({ layers, config }: FoundImage): readonly string[] {
  return layerNames(
    layers.map(({ imageId, legacyId, digest }, index) => {
      const named = config.diffIds[index] ?? digest;
      return imageId ?? legacyId ?? (named ? hexOf(named) : `layer ${index + 1}`);
    }),
  );
}
