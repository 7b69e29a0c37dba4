import type { Region } from '../../base/io/region.js';
import { MAX_SYMLINKS } from '../../base/limits.js';
import type { StoredRegion } from '../../compression/packed-region.js';
import { DimgxError } from '../../errors.js';
import { HEADER_ONLY } from '../../tar/decode.js';
import { QUIRK, type TarEntry } from '../../tar/entry.js';
import { TYPE } from '../../tar/header.js';
import { cleanPath } from '../../tar/path.js';
import { badMember, cleanName, type Files, type OpenFile, unsafe } from './files.js';
import { flatAlready, rootNames } from './foreign-file.js';
import type { SparseMember } from './sparse-members.js';

/** An image's archive has a few members for each layer. These limits are far above that, and keep memory use small. */
const MAX_MEMBERS = 100_000;
const MAX_NAME_BYTES = 16 * 2 ** 20;
/** Limit on the work of following links, in bytes: paths of folders looked up, and targets put together. */
const MAX_FOLLOWED = 64 * 2 ** 20;

/** Where the bytes of a member are, in bytes from the start of the archive. */
export interface MemberRange {
  readonly offset: number;
  readonly length: number;
}

/** How the bytes of an archive are read. The caller that opened the archive closes it. */
export interface ArchiveContents {
  /** Length of the archive, decompressed, in bytes, as far as it is known. */
  readonly length: number;
  /** Passes all entries to `onEntry`. Call it once, first. @throws DIMGX_TAR_*, and what `onEntry` throws */
  scan(onEntry: (entry: TarEntry) => void): Promise<void>;
  /** Where the bytes of a member can be read. */
  find(range: MemberRange): StoredRegion;
  /** Expands a member that is stored as a sparse file. */
  expand(member: SparseMember): Promise<Region>;
}

interface Member extends MemberRange {
  readonly type: number;
  /** Set if the bytes of the member are not contiguous. */
  readonly sparse: SparseMember | undefined;
  /** Target of a hard link, from the archive's root; or of a symlink, from the folder that it is in. */
  readonly link: string;
}

const KNOWN_TYPES: ReadonlySet<number> = new Set([TYPE.file, ...HEADER_ONLY]);

/**
 * The members of a tar archive. If a name occurs twice, the last member counts. Members that describe the archive
 * itself, such as labels and lists of directories, are not part of the image.
 */
export class ArchiveFiles implements Files {
  readonly isArchive = true;
  readonly location: string;
  readonly #contents: ArchiveContents;
  readonly #members = new Map<string, Member>();
  readonly #expanded = new Map<Member, Promise<Region>>();
  #nameBytes = 0;
  #count = 0;
  #hasSymlinks = false;
  #followed = 0;

  private constructor(contents: ArchiveContents, location: string) {
    this.#contents = contents;
    this.location = location;
  }

  /**
   * Reads the headers of the archive.
   *
   * @throws what `ArchiveContents.scan` throws; DIMGX_SOURCE_NOT_AN_IMAGE when it has more members than an image could
   *   have
   */
  static async scan(contents: ArchiveContents, location: string): Promise<ArchiveFiles> {
    const files = new ArchiveFiles(contents, location);
    await contents.scan((entry) => files.#add(entry));
    return files;
  }

  async topNames(): Promise<readonly string[]> {
    return [...new Set([...this.#members.keys()].map((name) => name.split('/', 1)[0] ?? ''))];
  }

  async foldersIn(folder: string): Promise<readonly string[]> {
    const prefix = folder === '' ? '' : `${folder}/`;
    const folders = new Set<string>();
    for (const [path, { type }] of this.#members) {
      if (!path.startsWith(prefix)) continue;
      const [name = '', ...below] = path.slice(prefix.length).split('/', 2);
      if (name !== '' && (below.length > 0 || type === TYPE.directory)) folders.add(name);
    }
    return [...folders];
  }

  async open(name: string): Promise<OpenFile | undefined> {
    const member = this.#find(name);
    if (!member) return undefined;
    if (member.type !== TYPE.file) throw badMember(name, 'a folder, a device or a FIFO');
    if (member.sparse) return { region: await this.#expand(member, member.sparse), close: async () => {} };
    return { region: this.#contents.find(member), close: async () => {} };
  }

  #expand(member: Member, sparse: SparseMember): Promise<Region> {
    const expanded = this.#expanded.get(member) ?? this.#contents.expand(sparse);
    this.#expanded.set(member, expanded);
    return expanded;
  }

  #add(entry: TarEntry): void {
    this.#count += 1;
    this.#nameBytes += entry.name.length + entry.link.length;
    if (this.#count > MAX_MEMBERS || this.#nameBytes > MAX_NAME_BYTES) {
      throw this.#tooManyMembers();
    }
    if (!KNOWN_TYPES.has(entry.type)) return;
    this.#hasSymlinks ||= entry.type === TYPE.symlink;
    const name = memberName(entry.name);
    if (name === undefined) return;
    const isSparse = (entry.quirks & (QUIRK.oldSparse | QUIRK.paxSparse)) !== 0;
    this.#members.set(name, {
      type: entry.type,
      offset: entry.dataOffset,
      length: entry.dataSize,
      sparse: isSparse ? { start: entry.start, end: entry.end } : undefined,
      link: Buffer.from(entry.link).toString(),
    });
  }

  #tooManyMembers(): DimgxError {
    const tops = new Set([...this.#members.keys()].map((name) => name.split('/', 1)[0] ?? ''));
    const what = `${this.location} has too many members to be the archive of an image`;
    const message =
      rootNames(tops) > 0
        ? flatAlready(this.location)
        : `${what}; if it is a root filesystem already, as from docker export, extract it with tar`;
    return new DimgxError('DIMGX_SOURCE_NOT_AN_IMAGE', message);
  }

  /** The member that a name leads to when hard links and symlinks are followed, including symlinks to folders. */
  #find(name: string): Member | undefined {
    let path = cleanName(name);
    let hostPath: string | undefined;
    for (let links = 0; links <= MAX_SYMLINKS; links += 1) {
      const member = this.#members.get(path);
      if (member && member.type !== TYPE.hardLink && member.type !== TYPE.symlink) return member;
      if (member?.type === TYPE.symlink && member.link.startsWith('/')) hostPath = member.link;
      const next = member ? this.#target(path, member) : this.#throughFolder(path);
      if (next === undefined) {
        if (links === 0) return undefined;
        if (hostPath !== undefined) throw unsafe(hostPath);
        throw badMember(name, 'a dangling link');
      }
      path = next;
    }
    throw badMember(name, 'a link in a loop');
  }

  /** The path, with the first of its folders that is a symlink replaced by the target of that symlink. */
  #throughFolder(path: string): string | undefined {
    if (!this.#hasSymlinks) return undefined;
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
      this.#countFollowed(path, slash);
      const folder = path.slice(0, slash);
      const member = this.#members.get(folder);
      if (member?.type === TYPE.symlink) return cleanName(`${this.#target(folder, member)}${path.slice(slash)}`);
    }
    return undefined;
  }

  #target(path: string, { type, link }: Member): string {
    this.#countFollowed(path, path.length + link.length);
    // Engines resolve both from the top of the archive, when they unpack it and when they read it.
    if (type === TYPE.hardLink || link.startsWith('/')) return cleanName(link);
    return cleanName(`${path.slice(0, path.lastIndexOf('/') + 1)}${link}`);
  }

  #countFollowed(path: string, bytes: number): void {
    this.#followed += bytes;
    if (this.#followed > MAX_FOLLOWED) throw badMember(path, 'behind too many links');
  }
}

/** A name that leads outside the archive matches nothing in it. */
function memberName(name: Uint8Array): string | undefined {
  try {
    return Buffer.from(cleanPath(name, 'refuse')).toString();
  } catch {
    return undefined;
  }
}
