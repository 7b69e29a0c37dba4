import { isTooManyFiles, tooManyFiles } from '../base/io/open-file-limit.js';
import { openFiles } from '../base/io/open-file-table.js';
import { quoted } from '../base/text/printable.js';
import { DimgxError, throwIfAborted } from '../errors.js';
import type { Layer, StoredLayer } from '../image/image.js';
import type { FillLevel } from '../layer/fill-level.js';
import type { InspectOptions } from '../options.js';
import type { OnBytes } from './index-layer.js';
import type { LayerReport } from './layer-job.js';
import type { LayerRunner } from './layer-runner.js';
import type { LayerTask } from './layer-task.js';

/** Runs jobs on layers and reports their progress. */
export class LayerWork {
  readonly #runner: LayerRunner;
  readonly #options: InspectOptions;

  constructor(runner: LayerRunner, options: InspectOptions) {
    this.#runner = runner;
    this.#options = options;
  }

  /**
   * @param filled raised to the length of the spool that the layer is decoded into
   * @throws what the job throws, with the layer's name; DIMGX_ABORTED
   */
  run(layer: StoredLayer, task: LayerTask, stage: 'inspect' | 'verify', filled?: FillLevel): Promise<LayerReport> {
    let done = 0;
    const onBytes = (bytes: number, spooled = 0) => {
      done += bytes;
      filled?.rise(spooled);
      this.#options.onProgress?.({ stage, item: layer.name, done, total: layer.blob.length });
    };
    return this.#run(task, onBytes).catch((error: unknown) => this.refuse(layer, error));
  }

  /**
   * A task that could not get descriptors has done nothing yet, so it is retried. It waits for them here, where it
   * keeps no other task from getting its own.
   */
  async #run(task: LayerTask, onBytes: OnBytes): Promise<LayerReport> {
    const wait = openFiles.patience();
    for (;;) {
      try {
        return await this.#runner.run(task, onBytes);
      } catch (failure) {
        throwIfAborted(this.#options.signal);
        await wait(failure);
      }
    }
  }

  /** Adds the layer's name to an error. @throws always */
  refuse(layer: Layer, error: unknown): never {
    throwIfAborted(this.#options.signal);
    if (isTooManyFiles(error)) throw tooManyFiles(error);
    throw error instanceof DimgxError && error.code !== 'DIMGX_CALLBACK_FAILED' ? named(layer, error) : error;
  }
}

/** If a layer is not a tar archive, its media type may say what it is. */
function named({ name, mediaType }: Layer, error: DimgxError): DimgxError {
  const type = error.code === 'DIMGX_TAR_NOT_A_TAR' && mediaType !== undefined ? ` of type ${quoted(mediaType)}` : '';
  return error.retold(`layer ${name}${type}: ${error.message}`, { layer: name });
}
