import { Appender } from '../../base/io/appender.js';
import type { DescriptorFile } from '../../base/io/held-file.js';
import type { Region } from '../../base/io/region.js';
import { isNoSpace, openSpool, spoolFile, writeAt } from '../../base/io/spool.js';
import { spoolRoom } from '../../base/io/spool-room.js';
import type { OpenContext } from '../../image/image.js';
import type { MemberRange } from './archive-files.js';

/**
 * Members of an archive that is decoded as a stream, kept in a spool so that it need not be decoded again for them. The
 * rule: all together take at most half of the spool's room, and each takes at most half of what is left of that. So
 * small members, such as documents, find room after large ones. The image's resources close the spool.
 */
export class KeptMembers {
  readonly #context: OpenContext;
  readonly #regions = new Map<number, Region>();
  #spool: DescriptorFile | undefined;
  #appender: Appender | undefined;
  #room = 0;
  /** Offset of the next member in the spool. */
  #end = 0;

  constructor(context: OpenContext) {
    this.#context = context;
  }

  /** Nothing is kept if no spool can be opened: it is never necessary. */
  async open(): Promise<void> {
    const { tmpDir, resources } = this.#context;
    const { bytes } = await spoolRoom(tmpDir);
    const handle = await openSpool(tmpDir, undefined, false).catch(() => undefined);
    if (!handle) return;
    const spool = spoolFile(handle);
    resources.adoptFile(spool);
    this.#spool = spool;
    this.#room = Math.floor(bytes / 2);
    this.#appender = new Appender({ write: (piece, position) => writeAt(spool.fd, piece, position) as Promise<void> });
  }

  /**
   * Makes room for a member. The bytes of the members that have room are appended in the order in which they came here.
   *
   * @param member its offset in the archive, and its length
   * @returns whether there is room
   */
  add({ offset, length }: MemberRange): boolean {
    if (!this.#spool || length > this.#room / 2) return false;
    this.#regions.set(offset, { file: this.#spool, offset: this.#end, length });
    this.#end += length;
    this.#room -= length;
    return true;
  }

  async append(piece: Buffer): Promise<void> {
    await this.#unlessFull(async () => this.#appender?.append(piece));
  }

  /** Call it once, when all members have been appended. */
  async finish(): Promise<void> {
    await this.#unlessFull(async () => this.#appender?.flush());
    this.#appender = undefined;
  }

  /** @param offset of a member in the archive */
  find(offset: number): Region | undefined {
    return this.#regions.get(offset);
  }

  /** A spool that cannot be written keeps nothing. */
  async #unlessFull(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (failure) {
      if (!isNoSpace(failure)) throw failure;
      this.#regions.clear();
      this.#appender = undefined;
      this.#room = 0;
      await this.#spool?.close();
      this.#spool = undefined;
    }
  }
}
