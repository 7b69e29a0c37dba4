import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import type { CompressionName } from '#dimgx/compression/codecs.js';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import type { LayerIndex } from '#dimgx/layer/layer-index.js';
import { openImage } from '#dimgx/source/resolve.js';
import { configOf } from './built-image.js';
import { lacks } from './engines.js';
import { writeFolder } from './members.js';
import { OciLayout } from './oci-layout.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';
/** Source: Linux, magic.h. */
const TMPFS = 0x01021994;

const PACKERS = {
  none: (bytes: Uint8Array) => bytes,
  gzip: (bytes: Uint8Array) => gzipSync(bytes, { level: 1 }),
  bzip2: (bytes: Uint8Array) => packedBy('bzip2', bytes),
  xz: (bytes: Uint8Array) => packedBy('xz', bytes),
  zstd: (bytes: Uint8Array) => packedBy('zstd', bytes),
} as const satisfies Record<CompressionName, (bytes: Uint8Array) => Uint8Array>;

/** The compressions that this machine can write. */
export const PACKINGS = (Object.keys(PACKERS) as CompressionName[]).filter(
  (name) => name === 'none' || name === 'gzip' || !lacks(name),
);

function packedBy(command: string, bytes: Uint8Array): Buffer {
  return execFileSync(command, ['-c', '-q', '-1'], { input: bytes, maxBuffer: 2 ** 30 });
}

export function packed(layer: Uint8Array, packing: CompressionName): Uint8Array {
  return PACKERS[packing](layer);
}

/** A layer to store: its bytes, and how they are packed. */
type PackedLayer = readonly [layer: Uint8Array, packing: CompressionName];

/** An OCI layout of one image. @returns its folder, which is removed when the test is over */
export async function packedImage(layers: readonly PackedLayer[]): Promise<string> {
  return storedImage(layers.map(([layer, packing]) => [layer, packed(layer, packing)]));
}

/** The same, of layers that are compressed already. */
export async function storedImage(layers: readonly (readonly [layer: Uint8Array, stored: Uint8Array])[]) {
  const layout = new OciLayout();
  const blobs = layers.map(([, stored]) => layout.blob(stored, LAYER));
  const config = layout.blob(configOf({ layers: layers.map(([layer]) => layer) }), CONFIG);
  const manifest = layout.json({ schemaVersion: 2, mediaType: MANIFEST, config, layers: blobs }, MANIFEST);
  return writeFolder(layout.top([manifest]));
}

/** A folder on a disk, where nothing decoded is kept: layers are read as streams. Removed when the test is over. */
export async function diskFolder(): Promise<string> {
  const folder = await mkdtemp(join('/var/tmp', 'dimgx-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  if (statfsSync(folder).type === TMPFS) throw new Error('/var/tmp is in memory');
  return folder;
}

/** Flattens one image several times at once, from one inspection. */
export async function flattenAtOnce(layers: readonly PackedLayer[], times: number): Promise<readonly Buffer[]> {
  return withStreams(await packedImage(layers), (indexes, tmpDir) =>
    Promise.all(Array.from({ length: times }, () => buffer(extractLayers(indexes, { tmpDir })))),
  );
}

/** Inspects an image without room in memory, so that compressed layers are read as streams. */
async function withStreams<T>(
  reference: string,
  use: (indexes: readonly LayerIndex[], tmpDir: string) => Promise<T>,
): Promise<T> {
  const tmpDir = await diskFolder();
  const image = await openImage(reference);
  try {
    return await use(await inspectLayers(image, { tmpDir }), tmpDir);
  } finally {
    await image.close();
  }
}

/** The tar of an image whose layers are read as streams. */
export async function flattenPacked(layers: readonly PackedLayer[]): Promise<Buffer> {
  return withStreams(await packedImage(layers), (indexes, tmpDir) => buffer(extractLayers(indexes, { tmpDir })));
}
