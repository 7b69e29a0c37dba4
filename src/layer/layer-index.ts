import type { RebuiltRegion } from '../base/io/rebuilt-region.js';
import type { Region, RegionFile } from '../base/io/region.js';
import { requireThat } from '../check-options.js';
import type { CompressionName } from '../compression/codecs.js';
import type { LayerRegion } from '../compression/packed-region.js';
import type { Warning } from '../errors.js';
import type { Layer } from '../image/layer.js';
import { type Digest, requireDigest } from '../reference/digest.js';
import type { Entries } from './entries.js';
import { type EntryColumns, EntryTable } from './entry-table.js';

/** Digests computed from a layer's bytes. `undefined` if the bytes were not hashed. */
export interface LayerDigests {
  readonly digest?: Digest;
  readonly diffId?: Digest;
}

/**
 * Index of one layer: its entries, without their contents. Made by `inspectLayers`; valid until the image is closed.
 */
export interface LayerIndex {
  readonly layer: Layer;
  /** Position of the layer in its image, where 0 is the oldest, and the number of layers in the image. */
  readonly place: { readonly position: number; readonly of: number };
  readonly entries: Entries;
  /** Sum of the sizes in the layer's headers, in bytes. Engines count a layer's size the same way. */
  readonly contentSize: number;
  readonly warnings: readonly Warning[];
  /**
   * Resolves once the layer's bytes have been hashed and compared; immediately with `verify: false`. Rejects with
   * DIMGX_IMAGE_DIGEST_MISMATCH, DIMGX_IMAGE_SIZE_MISMATCH or DIMGX_SOURCE_CHANGED.
   */
  readonly verified: Promise<LayerDigests>;
}

/** Where a layer's bytes are. What is compressed is decoded again whenever it is read. */
export interface LayerBytes {
  readonly stored: LayerRegion;
  /** How the layer itself is compressed. */
  readonly compression: CompressionName;
  /** Length of the uncompressed layer, in bytes. */
  readonly length: number;
  /** Memory that its decoders need, in bytes; 0 if there are none. */
  readonly decoderMemory: number;
  /** Whether checksums in what is compressed have been checked, or its digest has been, or is being compared. */
  readonly isChecked: boolean;
}

/** A region that can be read by position. */
export type PlainRegion<File = RegionFile> = Region<File> | RebuiltRegion<File>;

/** Where an uncompressed layer can be read by position; `undefined` if it has to be decoded. */
export function plainRegion({ stored, compression }: LayerBytes): PlainRegion | undefined {
  return stored.archive || compression !== 'none' ? undefined : stored;
}

/** A `LayerIndex` with access to the layer's bytes, for internal use. */
export interface IndexedLayer extends LayerIndex {
  readonly bytes: LayerBytes;
  readonly entries: EntryTable;
  /** Whether the image is for Windows, whose records in entry headers are kept. */
  readonly forWindows: boolean;
}

/** Checks that the layers passed by a caller were made by `inspectLayers`. @throws DIMGX_OPTION_INVALID */
export function indexedLayers(layers: readonly LayerIndex[]): readonly IndexedLayer[] {
  requireThat(Array.isArray(layers), 'the layers', 'an array', layers);
  for (const each of layers) {
    requireThat(each?.entries instanceof EntryTable, 'each layer', 'a layer index from inspectLayers', each);
  }
  return layers as readonly IndexedLayer[];
}

/** Result of reading a layer's headers. */
export interface LayerContents {
  readonly columns: EntryColumns;
  /** Sum of the sizes in the headers, in bytes. */
  readonly contentSize: number;
  /** Length of the uncompressed layer, in bytes. */
  readonly length: number;
  /** Bytes counted against `maxSize`: the length, plus what sparse files expand to. */
  readonly spentBytes: number;
  /** Memory that the layer's decoders needed, in bytes; 0 if there are none. */
  readonly decoderMemory: number;
  readonly warnings: readonly Warning[];
  /** Warning about records that only matter in an image for Windows and are dropped from other images. */
  readonly windowsRecords?: Warning | undefined;
  /** Whether the layer has the layout of a Windows layer. */
  readonly isForWindows: boolean;
}

/** The digests that an uncompressed layer's bytes are checked against. */
export function digestsNamed({ digest, diffId }: Layer): readonly Digest[] {
  return [digest, diffId].filter((named) => named !== undefined);
}

/** The digests of a layer that has passed all its checks. */
export function digestsOf({ digest, diffId }: Layer): LayerDigests {
  return { ...(digest && { digest }), ...(diffId && { diffId }) };
}

/** @throws DIMGX_IMAGE_DIGEST_MISMATCH */
export function compareDigest({ name }: Layer, expected: Digest, hex: string | undefined): void {
  requireDigest(
    expected,
    hex,
    (actual) => `layer ${name} is damaged: its bytes have the digest ${actual}, not ${expected}`,
    { layer: name },
  );
}
