import { availableParallelism } from 'node:os';
import { tellNeed } from '../../base/io/spool.js';
import type { CompressionName } from '../../compression/codecs.js';
import { blocksThread, codecOf } from '../../compression/codecs.js';
import { DecoderThreads } from '../../compression/decoder-threads.js';
import { type IndexedLayer, plainRegion } from '../../layer/layer-index.js';
import type { PlanColumns } from '../../merge/plan.js';
import { DecodedPieces } from './decoded-pieces.js';
import { DecodedReader } from './decoded-reader.js';
import type { LayerReader } from './layer-reader.js';
import { bytesOutOfOrder, type NeededEntries, neededEntries } from './needed-entries.js';
import { RebuiltReader } from './rebuilt-reader.js';
import { RecentReaders } from './recent-readers.js';
import { RegionReader } from './region-reader.js';
import { REORDER_MEMORY, ReorderBuffer } from './reorder-buffer.js';

/** Bytes that all layers together are decoded ahead of their readers, and the bounds of each one's share. */
const AHEAD = 16 * 1024 * 1024;
const MOST_AHEAD = 8 * 1024 * 1024;
const LEAST_AHEAD = 128 * 1024;
/** Compressed size, in bytes, up to which decoding takes less time than starting a thread. */
const SOON_DECODED = 128 * 1024;
/**
 * Memory for decoders that are open side by side, in bytes. A decoder of zstd or xz can need many MiB. Those that do
 * not fit decode their layers one after another at the beginning, into the reorder buffer.
 */
const DECODER_MEMORY = 24 * 1024 * 1024;

export interface ReaderOptions {
  /** Folder for bytes that have to wait for their turn. Default: the system's temporary folder. */
  readonly tmpDir?: string | undefined;
}

/** Readers for the layers of a plan, in its order. They read in the order of the plan's items. */
export interface Readers {
  readonly of: readonly LayerReader[];
  close(): Promise<void>;
}

/** Starts decoding the layers that are compressed. */
export function openReaders(plan: PlanColumns, options: ReaderOptions): Readers {
  const isPlain = plan.layers.every(({ bytes }) => plainRegion(bytes));
  return isPlain ? new PlainReaders(plan.layers) : new DecodingReaders(plan, options);
}

/** Reads a layer that is stored uncompressed, or of which the output needs nothing. */
function plainReader({ layer, bytes }: IndexedLayer, recent: RecentReaders): LayerReader {
  const region = plainRegion(bytes) ?? { file: bytes.stored.file, offset: 0, length: 0 };
  return region.rebuilding ? new RebuiltReader(region, layer.name, recent) : new RegionReader(region);
}

class PlainReaders implements Readers {
  readonly of: readonly LayerReader[];

  constructor(layers: readonly IndexedLayer[]) {
    const recent = new RecentReaders();
    this.of = layers.map((layer) => plainReader(layer, recent));
  }

  async close(): Promise<void> {
    await Promise.all(this.of.map((reader) => reader.close()));
  }
}

/** What decoded layers share. */
class DecodingReaders implements Readers {
  readonly of: readonly LayerReader[];
  readonly #threads = new DecoderThreads(availableParallelism());
  readonly #buffer: ReorderBuffer;
  readonly #ahead: number;
  /** Settles when the layers whose decoders find no room beside others have been decoded. */
  #decodedFirst: Promise<void> = Promise.resolve();

  constructor(plan: PlanColumns, { tmpDir }: ReaderOptions) {
    const needed = neededEntries(plan);
    const lengthOf = (layer: number) => (needed[layer] as NeededEntries).length;
    const lengths = plan.layers.map(({ bytes }, i) => (plainRegion(bytes) ? 0 : lengthOf(i)));
    const sideBySide = layersSideBySide(plan, lengths);
    this.#ahead = Math.max(LEAST_AHEAD, Math.min(MOST_AHEAD, Math.floor(AHEAD / sideBySide.size)));
    const first = lengths.map((length, i) => (sideBySide.has(i) ? 0 : length));
    this.#buffer = new ReorderBuffer({ tmpDir, explain: (failure) => tellOrder(failure, plan, first) });
    const recent = new RecentReaders();
    this.of = plan.layers.map((layer, i): LayerReader => {
      const needs = needed[i] as NeededEntries;
      if (lengths[i] === 0) return plainReader(layer, recent);
      return sideBySide.has(i) ? this.#open(layer, needs, Promise.resolve()) : this.#openFirst(layer, needs);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.of.map((reader) => reader.close()));
    await Promise.all([this.#threads.close(), this.#buffer.close()]);
  }

  /** @param start when to create the decoder */
  #open(layer: IndexedLayer, needed: NeededEntries, start: Promise<void>): DecodedReader {
    const open = async (compression: CompressionName, length: number, waiting: number) => {
      await start;
      const isSlow = blocksThread(compression) && length > SOON_DECODED;
      const elsewhere = isSlow ? await this.#threads.open(compression, waiting) : undefined;
      return elsewhere ?? (await codecOf(compression).loadDecoder())(waiting, layer.bytes.isChecked);
    };
    return new DecodedReader(layer, needed, new DecodedPieces(layer.bytes, open, this.#ahead), this.#buffer);
  }

  /** Opens a reader that keeps everything, once the others of its kind have done so. */
  #openFirst(layer: IndexedLayer, needed: NeededEntries): DecodedReader {
    const reader = this.#open(layer, needed, this.#decodedFirst);
    // If one fails, its reads fail as well: the others go on.
    this.#decodedFirst = reader.keepAll().catch(() => undefined);
    return reader;
  }
}

/**
 * The layers whose decoders may be open together: the one of which most is needed, and others as far as memory allows.
 *
 * @param lengths how many bytes of each layer have to be decoded and are needed; 0 for layers without a decoder
 */
function layersSideBySide({ layers }: PlanColumns, lengths: readonly number[]): ReadonlySet<number> {
  const lengthOf = (layer: number) => lengths[layer] as number;
  const decoded = [...lengths.keys()].filter((layer) => lengthOf(layer) > 0);
  const [largest, ...others] = decoded.sort((a, b) => lengthOf(b) - lengthOf(a));
  const chosen = new Set(largest === undefined ? [] : [largest]);
  let memory = 0;
  for (const layer of others) {
    const { decoderMemory } = (layers[layer] as IndexedLayer).bytes;
    if (memory + decoderMemory > DECODER_MEMORY) continue;
    memory += decoderMemory;
    chosen.add(layer);
  }
  return chosen;
}

/** @param first how many bytes are needed of each layer that is decoded first; 0 for the others */
function tellOrder(failure: unknown, plan: PlanColumns, first: readonly number[]): unknown {
  const early = first.reduce((sum, length) => sum + length, 0);
  const order = bytesOutOfOrder(plan, (layer) => first[layer] === 0);
  const what = [
    ...(order > 0 || early === 0 ? [`${order} bytes of the layers in another order than they are stored in`] : []),
    ...(early > 0
      ? [`${early} bytes of layers that are decoded first, because all decoders need too much memory`]
      : []),
  ];
  return tellNeed(failure, `the output needs ${what.join(', and ')}, and ${REORDER_MEMORY} of them fit in memory`);
}
