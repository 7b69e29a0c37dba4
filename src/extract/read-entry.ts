import { Readable } from 'node:stream';
import { readBuffer } from '../base/io/region.js';
import type { IndexedLayer } from '../layer/layer-index.js';
import type { Changes, PlanColumns } from '../merge/plan.js';
import { type PassingSparse, PassingTar, type TarVisitor } from '../tar/passing-tar.js';
import { type SparsePart, SparseParts } from '../tar/sparse-parts.js';
import { TarAssembler } from './assembler.js';
import type { ReaderOptions } from './read/open-readers.js';
import type { EntryWatcher } from './watch/hashed-entries.js';
import { watchedTar } from './watch/watched-tar.js';

/** Size of a read, in bytes. */
const PIECE = 256 * 1024;

const NO_CHANGES: Changes = {
  size: 0,
  has: () => false,
  isLink: () => false,
  xattrsOf: () => [],
  get: () => undefined,
};

export interface ReadEntryOptions extends ReaderOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * The contents of a file as a stream, holes included. A compressed layer is decoded up to the end of the file, and no
 * other layer is read. The stream ends only once the layer is verified, and fails as `extractLayers` does.
 *
 * @param entry number of an entry of the layer that is a file
 */
export function readContents(layer: IndexedLayer, entry: number, options: ReadEntryOptions = {}): Readable {
  return Readable.from(contentsOf(layer, entry, options), { objectMode: false, highWaterMark: PIECE });
}

/** Lets a watcher see one entry of a layer. @throws as the stream of `extractLayers` */
export async function watchEntry(
  layer: IndexedLayer,
  entry: number,
  watcher: EntryWatcher,
  options: ReadEntryOptions = {},
): Promise<void> {
  const tar = watchedTar(new TarAssembler(planOfOne(layer, entry), options), [watcher], options.signal);
  const buffer = readBuffer(PIECE);
  try {
    while ((await tar.fill(buffer)) > 0);
  } finally {
    await tar.close();
  }
}

function planOfOne(layer: IndexedLayer, entry: number): PlanColumns {
  const zero = new Int32Array(1);
  const items = { length: 1, layer: zero, entry: Int32Array.of(entry), node: zero, changes: NO_CHANGES };
  return { layers: [layer], ...items, dotted: false, excluded: 0, hiddenRefs: () => [] };
}

async function* contentsOf(
  layer: IndexedLayer,
  entry: number,
  options: ReadEntryOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const tar = new TarAssembler(planOfOne(layer, entry), options);
  const parts = new ContentParts();
  const passing = new PassingTar(parts);
  try {
    for (;;) {
      const buffer = readBuffer(PIECE); // its views belong to the reader of the stream
      const filled = await tar.fill(buffer);
      if (filled === 0) return;
      await passing.push(buffer.subarray(0, filled));
      for (const part of parts.take()) yield* piecesOf(part);
    }
  } finally {
    await tar.close();
  }
}

function* piecesOf(part: SparsePart): Generator<Uint8Array, void, void> {
  if (typeof part !== 'number') {
    yield part;
    return;
  }
  for (let left = part; left > 0; left -= PIECE) yield new Uint8Array(Math.min(left, PIECE));
}

/** Collects the parts of the contents that one read brings. */
class ContentParts implements TarVisitor {
  #sparse: SparseParts | undefined;
  #parts: SparsePart[] = [];

  take(): readonly SparsePart[] {
    return this.#parts.splice(0);
  }

  begin(_: unknown, sparse: PassingSparse | undefined): undefined {
    this.#sparse = sparse && new SparseParts(sparse);
  }

  contents(bytes: Uint8Array): undefined {
    if (!this.#sparse) this.#parts.push(bytes);
    else for (const part of this.#sparse.push(bytes)) this.#parts.push(part);
  }

  end(): undefined {
    for (const part of this.#sparse?.end() ?? []) this.#parts.push(part);
  }
}
