import { handledLater } from '../../base/call/deferred.js';
import type { StoredLayer } from '../../image/layer.js';
import { digestsNamed, type PlainRegion } from '../../layer/layer-index.js';
import { algorithmOf } from '../../reference/digest.js';
import type { LayerReport } from '../layer-job.js';
import type { LayerRunner, LayerWork } from '../layer-runner.js';
import { hashTask } from '../layer-task.js';
import { isPlain, type PlainLayer } from '../plain-layer.js';

/** Hashes uncompressed layers: large ones while their source still makes others readable. */
export class ReadyLayers {
  readonly #runner: LayerRunner;
  readonly #work: LayerWork;
  readonly #hashing = new Map<PlainRegion, Promise<LayerReport>>();

  constructor(runner: LayerRunner, work: LayerWork) {
    this.#runner = runner;
    this.#work = work;
  }

  /** Starts hashing a layer, unless it is so small that no thread is worth starting. */
  hashSoon(layer: StoredLayer): void {
    if (!isPlain(layer)) return;
    this.#runner.expect([layer]);
    if (this.#runner.hasThreads) this.#hashing.set(layer.blob, handledLater(this.#hash(layer)));
  }

  /**
   * The hashes of a layer in hex, by their algorithms: those of its digests.
   *
   * @throws what reading it throws; DIMGX_ABORTED
   */
  async hashesOf(layer: PlainLayer): Promise<ReadonlyMap<string, string | undefined>> {
    const { hashes = [] } = await (this.#hashing.get(layer.blob) ?? this.#hash(layer));
    return new Map(algorithmsFor(layer).map((algorithm, i) => [algorithm, hashes[i]]));
  }

  async #hash(layer: PlainLayer): Promise<LayerReport> {
    const algorithms = algorithmsFor(layer);
    return algorithms.length === 0 ? {} : this.#work.run(layer, hashTask(layer.blob, algorithms), 'verify');
  }
}

function algorithmsFor(layer: StoredLayer): readonly string[] {
  return [...new Set(digestsNamed(layer).map(algorithmOf))];
}
