import { ftruncate } from 'node:fs';
import { promisify } from 'node:util';
import type { DescriptorFile } from '../../base/io/held-file.js';
import { type Region, readRegion } from '../../base/io/region.js';
import { openSpool, spoolFile, tellNeed, writeAt } from '../../base/io/spool.js';
import { formatSize } from '../../base/limits.js';
import { DimgxError, throwIfAborted } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';
import { type SparseStretches, sparseStretches } from '../../tar/sparse-layout.js';

/** Where a member and its headers are, in bytes from the start of the archive. */
export interface SparseMember {
  readonly start: number;
  readonly end: number;
}

const truncate = promisify(ftruncate);

const PIECE = 2 ** 20;
/** In bytes: usually enough for a header and the map in it. */
const HEAD = 64 * 1024;
/** Size of a file system block, in bytes. A smaller hole saves nothing. */
const FILE_BLOCK = 4096;

/**
 * Expands members that are stored as sparse files, as written by GNU tar and bsdtar, into one spool. Holes stay holes.
 * The image's resources close the spool.
 */
export class SparseMembers {
  readonly #archive: Region;
  readonly #location: string;
  readonly #context: OpenContext;
  #spool: Promise<DescriptorFile> | undefined;
  /** Offset of the end of the expanded members, in bytes. */
  #end = 0;
  /** Members are expanded one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(archive: Region, location: string, context: OpenContext) {
    this.#archive = archive;
    this.#location = location;
    this.#context = context;
  }

  /**
   * @throws DIMGX_LIMIT_SIZE when all expanded members together, including holes, exceed `maxSize`; DIMGX_TAR_*,
   *   DIMGX_SOURCE_NO_SPACE, DIMGX_SOURCE_CHANGED, DIMGX_ABORTED
   */
  expand(member: SparseMember): Promise<Region> {
    const expanded = this.#last.then(() => this.#expand(member));
    this.#last = expanded.catch(() => undefined);
    return expanded;
  }

  async #expand(member: SparseMember): Promise<Region> {
    const { maxSize } = this.#context.limits;
    const stretches = await this.#stretches(member);
    const { realSize: length } = stretches;
    const offset = this.#end;
    if (!Number.isSafeInteger(offset + length) || offset + length > maxSize) {
      const message = `${this.#location} holds sparse files of more than ${formatSize(maxSize)}`;
      throw new DimgxError('DIMGX_LIMIT_SIZE', message);
    }
    this.#spool ??= this.#openSpool();
    const spool = await this.#spool;
    const fd = spool.hold();
    try {
      await this.#copy(stretches, member, await fd, offset);
      await truncate(await fd, offset + length).catch(noRoom);
    } catch (failure) {
      throw tellNeed(failure, `a sparse file in ${this.#location} takes ${length} bytes`);
    } finally {
      spool.release();
    }
    await this.#archive.file.requireUnchanged();
    this.#end = Math.ceil((offset + length) / FILE_BLOCK) * FILE_BLOCK;
    return { file: spool, offset, length };
  }

  async #openSpool(): Promise<DescriptorFile> {
    const spool = spoolFile(await openSpool(this.#context.tmpDir));
    this.#context.resources.adoptFile(spool);
    return spool;
  }

  async #stretches({ start, end }: SparseMember): Promise<SparseStretches> {
    const read = readRegion(this.#archive);
    for (let wanted = HEAD; ; ) {
      const raw = Buffer.alloc(Math.min(wanted, end - start, this.#archive.length - start));
      await read(raw, start);
      const found = sparseStretches(raw);
      if (!('need' in found)) return found;
      if (found.need <= raw.length || raw.length < wanted) {
        throw new DimgxError('DIMGX_TAR_BAD_SPARSE', 'the map of a sparse file is longer than its contents');
      }
      // At least twice as much each time, because it is read from the start again.
      wanted = Math.max(found.need, 2 * wanted);
    }
  }

  async #copy({ map, dataOffset }: SparseStretches, { start }: SparseMember, fd: number, offset: number) {
    const { signal, onProgress } = this.#context;
    const read = readRegion(this.#archive);
    const stored = map.reduce((sum, length, i) => (i % 2 === 1 ? sum + length : sum), 0);
    const [from, into] = [Buffer.allocUnsafe(PIECE), Buffer.allocUnsafe(PIECE)];
    /** Where `into` belongs, how many bytes it holds, and how many of the stored bytes have been taken. */
    let [place, held, taken] = [offset, 0, 0];
    const flush = async () => {
      throwIfAborted(signal);
      if (held > 0) await writeAt(fd, into.subarray(0, held), place);
      place += held;
      held = 0;
      onProgress?.({ stage: 'open', item: this.#location, done: taken, total: stored });
    };
    for (let i = 0; i < map.length; i += 2) {
      let left = map[i + 1] as number;
      if (left === 0) continue;
      const hole = offset + (map[i] as number) - (place + held);
      if (hole >= FILE_BLOCK || hole > PIECE - held) {
        await flush();
        place = offset + (map[i] as number);
      } else {
        into.fill(0, held, held + hole);
        held += hole;
      }
      while (left > 0) {
        if (held === PIECE) await flush();
        const at = taken % PIECE;
        if (at === 0) await read(from.subarray(0, Math.min(PIECE, stored - taken)), start + dataOffset + taken);
        const copied = from.copy(into, held, at, Math.min(PIECE, at + left));
        held += copied;
        taken += copied;
        left -= copied;
      }
    }
    await flush();
  }
}

function noRoom(cause: unknown): never {
  const message = 'temporary data cannot be written: a sparse file is too large for the file system';
  throw new DimgxError('DIMGX_SOURCE_NO_SPACE', message, { cause });
}
