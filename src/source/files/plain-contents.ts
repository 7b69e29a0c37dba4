import { type Region, readRegion } from '../../base/io/region.js';
import type { OpenContext } from '../../image/image.js';
import type { TarEntry } from '../../tar/entry.js';
import { scanTar } from '../../tar/scan.js';
import type { ArchiveContents, MemberRange } from './archive-files.js';
import { type SparseMember, SparseMembers } from './sparse-members.js';

/** An archive that can be read by position. */
export class PlainContents implements ArchiveContents {
  readonly #archive: Region;
  readonly #sparse: SparseMembers;

  constructor(archive: Region, location: string, context: OpenContext) {
    this.#archive = archive;
    this.#sparse = new SparseMembers(archive, location, context);
  }

  get length(): number {
    return this.#archive.length;
  }

  /** Reads the headers of the archive, not its contents. */
  async scan(onEntry: (entry: TarEntry) => void): Promise<void> {
    await scanTar(readRegion(this.#archive), this.#archive.length, onEntry, 'archive');
  }

  find({ offset, length }: MemberRange): Region {
    return { ...this.#archive, offset: this.#archive.offset + offset, length };
  }

  expand(member: SparseMember): Promise<Region> {
    return this.#sparse.expand(member);
  }
}
