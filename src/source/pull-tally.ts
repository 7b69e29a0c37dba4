import { printable } from '../base/text/printable.js';
import type { PullProgress } from '../engine/engine.js';
import type { Progress } from '../options.js';

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
