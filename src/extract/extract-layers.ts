import { Readable } from 'node:stream';
import type { LayerIndex } from '../inspect/layer-index.js';
import type { ExtractOptions } from '../options.js';
import { openExtraction } from './extraction.js';
import { fillingStream } from './filling-stream.js';

/**
 * The flat tar of layers, as a stream. The image must stay open until it ends.
 *
 * @param layers earlier ones win over later ones, as `inspectLayers` returns them
 * @returns a stream of bytes that fails with a `DimgxError`: a code of merge or extract, or what
 *   `LayerIndex.verified` rejects with
 */
export function extractLayers(layers: readonly LayerIndex[], options: ExtractOptions = {}): Readable {
  try {
    const { assembler, size } = openExtraction(layers, options);
    let done = 0;
    return fillingStream(assembler, (bytes) => {
      done += bytes;
      options.onProgress?.({ stage: 'extract', item: 'tar', done, total: Math.max(size, done) });
    });
  } catch (error) {
    const failed = new Readable({ read: () => undefined });
    failed.destroy(error as Error);
    return failed;
  }
}
