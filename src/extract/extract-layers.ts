import { Readable } from 'node:stream';
import { checkOptions } from '../base/call/check-options.js';
import { guardCallbacks } from '../base/call/guard-callbacks.js';
import type { DimgxError } from '../errors.js';
import type { LayerIndex } from '../layer/layer-index.js';
import { mergeLayers } from '../merge/merge-layers.js';
import type { Plan } from '../merge/plan.js';
import type { ExtractOptions } from '../options.js';
import { openExtraction } from './extraction.js';
import { fillingStream } from './filling-stream.js';

/**
 * The flat tar of layers, as a stream. The image must stay open until it ends: when it is closed before, the stream fails
 * with DIMGX_ABORTED at once.
 *
 * @param layers earlier ones win over later ones, as `inspectLayers` returns them; or the plan that `mergeLayers` made of
 *   them: then `limits` and `excludeDevices` have been heeded
 * @returns a stream of bytes that fails with a `DimgxError`: DIMGX_CLI_USAGE, DIMGX_CALLBACK_FAILED, a code of merge or
 *   extract, or what `LayerIndex.verified` rejects with. An abort ends it with DIMGX_ABORTED as soon as it is read, or
 *   listened to for errors
 */
export function extractLayers(layers: readonly LayerIndex[] | Plan, options: ExtractOptions = {}): Readable {
  let end = (_failure: DimgxError): void => {};
  try {
    checkOptions(options);
    const callbacks = guardCallbacks(options, (failure) => end(failure));
    const heard = { ...options, ...callbacks };
    const plan = 'survivors' in layers ? layers : mergeLayers(layers, heard);
    const { assembler, size } = openExtraction(plan, heard);
    let done = 0;
    const onBytes = (bytes: number) => {
      done += bytes;
      callbacks.onProgress?.({ stage: 'extract', item: 'tar', done, total: bytes === 0 ? done : Math.max(size, done) });
    };
    const stream = fillingStream(assembler, { signal: options.signal, onBytes });
    end = (failure) => void stream.destroy(failure);
    return stream;
  } catch (error) {
    // Not before it is read: until then nobody may be listening.
    return new Readable({
      read() {
        this.destroy(error as Error);
      },
    });
  }
}
