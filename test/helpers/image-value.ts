import { DescriptorFile } from '#dimgx/base/io/held-file.js';
import { Resources } from '#dimgx/base/io/resources.js';
import type { OpenedImage } from '#dimgx/image/image.js';
import type { HistoryRow, Layer, StoredLayer } from '#dimgx/image/layer.js';

/** A layer with no bytes behind it, for code that only looks at names. */
export function layerValue(parts: Partial<StoredLayer>): StoredLayer {
  return {
    blob: { file: new DescriptorFile({ fd: -1 }), offset: 0, length: 0 },
    compression: 'none',
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    tags: [],
    name: 'a layer',
    ...parts,
  };
}

/** @param parts `history` is derived from the layers, unless it is given */
export function imageValue(layers: readonly Layer[], parts: Partial<OpenedImage> = {}): OpenedImage {
  const resources = new Resources();
  return {
    reference: 'test-image',
    source: { transport: 'test', location: 'memory' },
    id: 'f'.repeat(64),
    tags: [],
    config: { document: {} },
    layers,
    history: layers.map((layer): HistoryRow => ({ history: layer.history ?? {}, layer })),
    fetch: async (wanted) => wanted as readonly StoredLayer[],
    resources,
    close: () => resources.close(),
    [Symbol.asyncDispose]: () => resources.close(),
    ...parts,
  };
}
