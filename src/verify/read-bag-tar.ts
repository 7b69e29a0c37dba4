import { fstatSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { pieceBuffers, piecesOfRegion, readBuffer, sourceEnded } from '../base/io/region.js';
import { type Limits, tooLarge, tooManyEntries } from '../base/limits.js';
import { reasonOf, withoutCall } from '../base/text/printable.js';
import { codecOf, compressionOfName } from '../compression/codecs.js';
import { decodeInto, decodingFailure } from '../compression/decode-into.js';
import { DimgxError, throwIfAborted } from '../errors.js';
import type { BaggedTar } from '../evidence/agreement/snapshot-agreement.js';
import { type EntryWatcher, HashedEntries } from '../extract/watch/hashed-entries.js';
import type { TarEntry } from '../tar/entry.js';
import { PassingTar, type TarVisitor } from '../tar/passing-tar.js';

const readAsync = promisify(read);

/** In bytes. */
const PIECE = 2 ** 20;

export interface ReadBagTarOptions {
  readonly signal?: AbortSignal | undefined;
  readonly limits: Limits;
  /** Called with the number of stored bytes read since the last call. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Reads a tar of a bag, compressed as its name says, from its start to its end. Its entries and the contents of its files,
 * with holes, count against the limits.
 *
 * @throws DIMGX_TAR_*, DIMGX_COMPRESSION_*, DIMGX_LIMIT_SIZE, DIMGX_LIMIT_ENTRIES, DIMGX_SOURCE_CHANGED,
 *   DIMGX_SOURCE_UNREADABLE, DIMGX_ABORTED; what the watchers throw
 */
export async function readBagTar(
  { path, file }: BaggedTar,
  watchers: readonly EntryWatcher[],
  { signal, limits, onBytes }: ReadBagTarOptions,
): Promise<void> {
  const budget = new Budget(path, limits);
  const passing = new PassingTar(new BudgetedEntries(new HashedEntries(watchers, signal), budget));
  const compression = compressionOfName(path);
  const decoder = compression === 'none' ? undefined : (await codecOf(compression).loadDecoder())();
  const size = Number(fstatSync(file.fd, { bigint: true }).size);
  const stored = piecesOfRegion(readerOf(file.fd), size, pieceBuffers(size, PIECE));
  const whole = new WholePieces((bytes) => passing.push(bytes));
  const take = async (piece: Buffer) => {
    throwIfAborted(signal);
    budget.spendBytes(piece.length);
    await whole.push(piece);
  };
  try {
    await decodeInto(decoder, counted(stored, onBytes), take);
  } catch (failure) {
    throw decodingFailure(compression, failure);
  }
  await whole.flush();
  if (!passing.ended) throw new DimgxError('DIMGX_TAR_TRUNCATED', 'it ends too early');
  if (passing.hasTail) throw new DimgxError('DIMGX_TAR_BAD_HEADER', 'something follows its end mark');
  for (const watcher of watchers) watcher.end?.();
}

function readerOf(fd: number) {
  return async (into: Uint8Array, position: number) => {
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await readAsync(fd, into, done, into.length - done, position + done).catch(unreadable);
      if (bytesRead === 0) sourceEnded();
      done += bytesRead;
    }
  };
}

function unreadable(cause: unknown): never {
  throw new DimgxError('DIMGX_SOURCE_UNREADABLE', `it cannot be read: ${withoutCall(reasonOf(cause))}`, { cause });
}

async function* counted(pieces: AsyncIterable<Buffer>, onBytes: (bytes: number) => void) {
  for await (const piece of pieces) {
    onBytes(piece.length);
    yield piece;
  }
}

/** Joins pieces. A decoder may yield many short ones, and each push of one that ends in a header copies the header. */
class WholePieces {
  readonly #push: (bytes: Buffer) => Promise<void>;
  readonly #buffer = readBuffer(PIECE);
  #length = 0;

  constructor(push: (bytes: Buffer) => Promise<void>) {
    this.#push = push;
  }

  async push(piece: Buffer): Promise<void> {
    for (let at = 0; at < piece.length; ) {
      const taken = piece.copy(this.#buffer, this.#length, at);
      at += taken;
      this.#length += taken;
      if (this.#length === PIECE) await this.flush();
    }
  }

  async flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    await this.#push(bytes);
  }
}

/** What may still be read. */
class Budget {
  readonly #what: string;
  readonly #limits: Limits;
  #bytes = 0;
  #entries = 0;

  constructor(what: string, limits: Limits) {
    this.#what = what;
    this.#limits = limits;
  }

  /** @throws DIMGX_LIMIT_SIZE */
  spendBytes(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.maxSize) throw tooLarge(this.#what, this.#limits.maxSize);
  }

  /** @throws DIMGX_LIMIT_ENTRIES, and DIMGX_LIMIT_SIZE for a sparse file that is too large with its holes */
  spendEntry({ size, dataSize }: TarEntry): void {
    if (++this.#entries > this.#limits.maxEntries) throw tooManyEntries(this.#what, this.#limits.maxEntries);
    this.spendBytes(Math.max(0, size - dataSize));
  }
}

class BudgetedEntries implements TarVisitor {
  readonly #visitor: TarVisitor;
  readonly #budget: Budget;

  constructor(visitor: TarVisitor, budget: Budget) {
    this.#visitor = visitor;
    this.#budget = budget;
  }

  begin(...of: Parameters<TarVisitor['begin']>): Promise<void> | undefined {
    this.#budget.spendEntry(of[0]);
    return this.#visitor.begin(...of);
  }

  contents(bytes: Uint8Array): Promise<void> | undefined {
    return this.#visitor.contents(bytes);
  }

  end(): Promise<void> | undefined {
    return this.#visitor.end();
  }
}
