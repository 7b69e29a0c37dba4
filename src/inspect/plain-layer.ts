import type { StoredLayer } from '../image/layer.js';
import type { LayerBytes, PlainRegion } from '../layer/layer-index.js';

/** A layer whose uncompressed bytes can be read by position. */
export type PlainLayer = StoredLayer & { readonly blob: PlainRegion };

export function isPlain(layer: StoredLayer): layer is PlainLayer {
  return layer.compression === 'none' && !layer.blob.archive;
}

/** The bytes of an uncompressed layer. */
export function plainBytes({ blob }: PlainLayer): LayerBytes {
  return { stored: blob, compression: 'none', length: blob.length, decoderMemory: 0, isChecked: true };
}
