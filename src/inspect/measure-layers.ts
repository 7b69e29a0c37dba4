import { availableParallelism } from 'node:os';
import { handledLater } from '../base/call/deferred.js';
import { limitsOf } from '../base/limits.js';
import { encodedRegion } from '../compression/packed-region.js';
import { DimgxError } from '../errors.js';
import type { OpenedImage } from '../image/image.js';
import type { Layer, StoredLayer } from '../image/layer.js';
import type { InspectOptions } from '../options.js';
import { algorithmOf, type Digest } from '../reference/digest.js';
import { Budget } from './budget.js';
import type { LayerReport } from './layer-job.js';
import { LayerRunner, LayerWork } from './layer-runner.js';
import { decodeTask, hashTask } from './layer-task.js';
import { isPlain } from './plain-layer.js';
import { poolFor } from './pool.js';

/** What the bytes of a layer are, whatever its source says. */
export interface MeasuredLayer {
  /** As its source describes it once its bytes are there. */
  readonly layer: Layer;
  /** Of the stored bytes. */
  readonly size?: number | undefined;
  /** Digests by the algorithms of those that the source names; `undefined` where it names none. */
  readonly digest?: Digest | undefined;
  readonly diffId?: Digest | undefined;
  /** Why what is missing could not be measured. */
  readonly failure?: DimgxError | undefined;
}

/** Errors that have nothing to do with a single layer. */
const FINAL =
  /^DIMGX_(?:LIMIT_|ENGINE_|CREDENTIALS_|ABORTED$|CALLBACK_FAILED$|TOO_MANY_FILES$|INTERNAL$|SOURCE_NO_SPACE$|COMPRESSION_UNSUPPORTED$)/;

/**
 * Computes the digests of layers. One that is damaged or missing does not keep the others from being read.
 *
 * @returns a promise for each layer, in order
 * @throws DIMGX_LIMIT_*, DIMGX_ENGINE_*, DIMGX_SOURCE_NO_SPACE, DIMGX_ABORTED; so do the promises
 */
export async function measureLayers(
  image: OpenedImage,
  layers: readonly Layer[],
  options: InspectOptions,
): Promise<readonly Promise<MeasuredLayer>[]> {
  const fetched = await fetchEach(image, layers);
  const runner = new LayerRunner(options.threads ?? availableParallelism(), poolFor(options.pool));
  const abort = () => void runner.close();
  options.signal?.addEventListener('abort', abort, { once: true });
  image.resources.adopt(async () => {
    options.signal?.removeEventListener('abort', abort);
    await runner.close();
  });
  const stored = fetched.filter((layer) => !(layer instanceof DimgxError)) as readonly StoredLayer[];
  runner.expect(stored);
  const measuring = new Measuring(image, new LayerWork(runner, options), new Budget(limitsOf(options.limits)));
  const measured = fetched.map(async (found, i): Promise<MeasuredLayer> => {
    if (found instanceof DimgxError) return { layer: layers[i] as Layer, failure: found };
    return measuring.measure(found, layers[i] as Layer);
  });
  return measured.map(handledLater);
}

/** Fetches all layers at once, or if that fails, each by itself. */
async function fetchEach(image: OpenedImage, layers: readonly Layer[]): Promise<readonly (StoredLayer | DimgxError)[]> {
  try {
    return await image.fetch(layers);
  } catch (failure) {
    const own = ownFailure(failure);
    if (layers.length === 1) return [own];
    const fetched: (StoredLayer | DimgxError)[] = [];
    for (const layer of layers) fetched.push(...(await fetchEach(image, [layer])));
    return fetched;
  }
}

/** @throws the failure, if it is not about one layer only */
function ownFailure(failure: unknown): DimgxError {
  if (failure instanceof DimgxError && !FINAL.test(failure.code)) return failure;
  throw failure;
}

class Measuring {
  readonly #image: OpenedImage;
  readonly #work: LayerWork;
  readonly #budget: Budget;

  constructor(image: OpenedImage, work: LayerWork, budget: Budget) {
    this.#image = image;
    this.#work = work;
    this.#budget = budget;
  }

  /** A copy that its source keeps and that is damaged is fetched again, once. */
  async measure(stored: StoredLayer, layer: Layer): Promise<MeasuredLayer> {
    const measured = await this.#measureOnce(stored);
    if (!stored.keeper || measured.digest === stored.digest) return measured;
    await stored.keeper.discard();
    const [again] = await fetchEach(this.#image, [layer]);
    if (again === undefined || again instanceof DimgxError) return { layer, failure: again };
    return this.#measureOnce(again);
  }

  async #measureOnce(layer: StoredLayer): Promise<MeasuredLayer> {
    const { digest, diffId, blob } = layer;
    const known = { layer, size: blob.length };
    try {
      const { storedHash, plainHash } = await this.#hashes(layer);
      return { ...known, digest: asNamed(digest, storedHash), diffId: asNamed(diffId, plainHash) };
    } catch (error) {
      const failure = ownFailure(error);
      const isAlone = digest && !isPlain(layer) && !blob.archive;
      const stored = isAlone ? await this.#storedHash(layer, digest).catch(ownFailure) : undefined;
      return { ...known, failure, digest: typeof stored === 'string' ? asNamed(digest, stored) : undefined };
    }
  }

  async #hashes(layer: StoredLayer): Promise<Pick<LayerReport, 'storedHash' | 'plainHash'>> {
    const { compression, digest, diffId } = layer;
    const storedAlgorithm = digest && algorithmOf(digest);
    const plainAlgorithm = diffId && algorithmOf(diffId);
    if (isPlain(layer)) {
      const algorithms = [storedAlgorithm, plainAlgorithm].filter((name) => name !== undefined);
      if (algorithms.length === 0) return {};
      const { hashes = [] } = await this.#work.run(layer, hashTask(layer.blob, algorithms), 'verify');
      return { storedHash: hashes[0], plainHash: hashes.at(-1) };
    }
    const decoding = { compression, storedAlgorithm, plainAlgorithm };
    const task = decodeTask(encodedRegion(layer.blob), decoding, this.#budget, async () => undefined);
    return this.#work.run(layer, task, 'verify');
  }

  async #storedHash(layer: StoredLayer, digest: Digest): Promise<string | undefined> {
    const blob = encodedRegion(layer.blob);
    if (blob.archive) return undefined;
    const { hashes } = await this.#work.run(layer, hashTask(blob, [algorithmOf(digest)]), 'verify');
    return hashes?.[0];
  }
}

function asNamed(named: Digest | undefined, hex: string | undefined): Digest | undefined {
  return named && hex !== undefined ? (`${algorithmOf(named)}:${hex}` as Digest) : undefined;
}
