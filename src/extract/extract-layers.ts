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
    const onBytes = (bytes: number) => {
      done += bytes;
      options.onProgress?.({ stage: 'extract', item: 'tar', done, total: bytes === 0 ? done : Math.max(size, done) });
    };
    return fillingStream(assembler, { signal: options.signal, onBytes });
  } catch (error) {
    // Not before it is read: until then nobody may be listening.
    return new Readable({
      read() {
        this.destroy(error as Error);
      },
    });
  }
}
