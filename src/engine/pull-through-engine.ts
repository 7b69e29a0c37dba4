import { printable, quoted } from '../base/text/printable.js';
import { DimgxError, type Warn } from '../errors.js';
import type { OpenContext } from '../image/image.js';
import { formatPlatform, type Platform } from '../image/platform.js';
import type { Progress } from '../options.js';
import { repositoryOf } from '../reference/image-name.js';
import { type FoundCredentials, findCredentials } from '../registry/credentials/find-credentials.js';
import type { Engine, PullProgress } from './engine.js';

/** What an engine should pull. */
interface PullRequest {
  /** Means `latest` if it has neither tag nor digest. */
  readonly name: string;
  readonly platform: Platform | undefined;
  readonly warn: Warn;
  readonly inform?: ((message: string) => void) | undefined;
  /** The only file to read credentials from. */
  readonly authFile?: string | undefined;
}

/** Time between progress reports while the engine works, in milliseconds. */
const PERIOD = 500;

/** Matches messages of registries and engines that deny access. */
const DENIED = /unauthori[sz]ed|denied|authentication required|no basic auth credentials/i;

/**
 * Has an engine pull an image from its registry, with the credentials that are stored for that registry.
 *
 * @throws DIMGX_ENGINE_FAILED, DIMGX_ENGINE_DENIED, DIMGX_ABORTED
 */
export async function pullThroughEngine(
  engine: Engine,
  { name, platform, warn, inform, authFile }: PullRequest,
  { signal, onProgress }: OpenContext,
): Promise<void> {
  const found = await findCredentials({
    ...{ name, authFile, env: process.env, first: engine.nameStyle },
    ...{ warn, inform, signal },
  });
  const tally = new PullTally(name);
  const reportProgress = () => onProgress?.(tally.progress());
  reportProgress();
  const timer = setInterval(reportProgress, PERIOD);
  try {
    await engine.pull(name, {
      ...(platform && { platform: formatPlatform(platform) }),
      credentials: found?.credentials,
      onProgress: (report) => {
        tally.add(report);
        reportProgress();
      },
    });
    for (const progress of tally.finished()) onProgress?.(progress);
  } catch (failure) {
    throw pullFailure(failure, engine, name, found);
  } finally {
    clearInterval(timer);
  }
}

/**
 * Adds the name of the image to the error. If access was denied, adds which credentials dimgx sent, or how to log in.
 */
function pullFailure(failure: unknown, engine: Engine, name: string, found: FoundCredentials | undefined): unknown {
  if (!(failure instanceof DimgxError) || failure.code === 'DIMGX_ABORTED') return failure;
  const registry = printable(repositoryOf(name).registry, 200);
  const shown = found
    ? `: the credentials from ${found.origin} were sent`
    : `: \`${engine.nameStyle} login ${registry}\` stores credentials`;
  const advice = DENIED.test(failure.message) ? shown : '';
  const message = `${quoted(name)} cannot be pulled: ${failure.message}${advice}`;
  return failure.retold(message);
}

/** Progress of one layer, in bytes as stored in the registry. */
interface LayerShare {
  readonly fetched: number;
  readonly unpacked: number;
  /** `undefined` until it is known. */
  readonly total: number | undefined;
}

/** Far more layers than any image has. */
const MAX_LAYERS = 10_000;

const NOTHING: LayerShare = { fetched: 0, unpacked: 0, total: undefined };

/**
 * Adds up what an engine reports about the layers that it pulls: how much of the image has been downloaded, and then
 * how much has been unpacked.
 */
export class PullTally {
  readonly #item: string;
  readonly #layers = new Map<string, LayerShare>();
  #isUnpacking = false;

  /** @param name name of the image */
  constructor(name: string) {
    this.#item = printable(name, 80);
  }

  /** Records a report. */
  add({ id, status, current, total }: PullProgress): void {
    if (id === undefined) return;
    const layer = this.#layers.get(id);
    if (!layer && this.#layers.size >= MAX_LAYERS) return;
    const next = afterReport(layer ?? NOTHING, status, bytesOf(current), bytesOf(total) || undefined);
    if (next) this.#layers.set(id, next);
    this.#isUnpacking ||= status === 'Extracting';
  }

  /**
   * How far the engine has come. Unpacking is shown only once everything has been downloaded; Podman does not report
   * it.
   */
  progress(): Progress {
    const layers = [...this.#layers.values()];
    const [fetched, unpacked] = [sum(layers, 'fetched'), sum(layers, 'unpacked')];
    const isKnown = layers.length > 0 && layers.every(({ total }) => total !== undefined);
    const total = isKnown ? sum(layers, 'total') : undefined;
    return this.#isUnpacking && fetched === total
      ? { stage: 'unpack', item: this.#item, done: unpacked, total }
      : { stage: 'pull', item: this.#item, done: fetched, total };
  }

  /** The last progress reports, for when the engine is done: every stage is complete. */
  finished(): readonly Progress[] {
    const done = sum([...this.#layers.values()], 'fetched');
    return (['pull', 'unpack'] as const).map((stage) => ({ stage, item: this.#item, done, total: done }));
  }
}

/** @returns `undefined` for a report that does not concern a layer */
function afterReport(layer: LayerShare, status: string, current: number, total = layer.total): LayerShare | undefined {
  const whole = total ?? layer.fetched;
  switch (status) {
    case 'Pulling fs layer':
    case 'Waiting':
      return layer;
    case 'Downloading':
      return { ...layer, fetched: Math.min(current, whole || current), total };
    case 'Verifying Checksum':
    case 'Download complete':
      return { ...layer, fetched: whole, total: whole };
    case 'Extracting':
      return { fetched: whole, unpacked: Math.min(current, whole), total: whole };
    case 'Pull complete':
    case 'Already exists':
      return { fetched: whole, unpacked: whole, total: whole };
    default:
      return undefined;
  }
}

function bytesOf(count = 0): number {
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

function sum(layers: readonly LayerShare[], what: keyof LayerShare): number {
  return layers.reduce((bytes, layer) => bytes + (layer[what] ?? 0), 0);
}
