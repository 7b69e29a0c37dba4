import type { EntryWatcher } from '../extract/watch/hashed-entries.js';
import type { IndexedLayer } from '../layer/layer-index.js';
import { NONE, type Node } from '../merge/node.js';
import type { PlanColumns } from '../merge/plan.js';
import { decodeEntry } from '../tar/decode.js';
import { emptyEntry, QUIRK, type TarEntry } from '../tar/entry.js';
import { type EntryTime, type EntryTimes, entryTimes } from '../tar/entry-times.js';
import { TYPE } from '../tar/header.js';
import { xattrsOf } from '../tar/portable-record.js';
import { detachedXattrs, storedContents } from './header-facts.js';
import type { HiddenPaths } from './hidden-paths.js';
import { indexedContents } from './indexed-entry.js';
import type { RecordedEntry } from './recorded-entry.js';
import type { Versions } from './versions.js';

const NO_XATTRS: ReadonlyMap<string, Uint8Array> = new Map();
const NO_TIMES: EntryTimes = {};
const SHA256 = 32;

/** What the headers of a file's first name say, and those of its links do not. */
interface FirstName {
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  readonly times: EntryTimes;
}

interface RecordedEntriesOptions {
  readonly needsHashes: boolean;
  /** Called with the description of each entry. */
  readonly onEntry: (entry: RecordedEntry) => void;
  /** As in `EntryWatcher`. */
  readonly flush: () => Promise<void> | undefined;
  /** The paths in the tar, if it is that of hidden versions. */
  readonly paths?: HiddenPaths | undefined;
}

/**
 * Describes each entry of a tar that a plan describes, as it passes by: from its headers, so that the description is of
 * the tar as it is, and from the versions, which say where the entry comes from.
 */
export class RecordedEntries implements EntryWatcher {
  readonly needsHashes: boolean;
  readonly #plan: PlanColumns;
  readonly #versions: Versions;
  readonly #onEntry: (entry: RecordedEntry) => void;
  readonly #flush: () => Promise<void> | undefined;
  readonly #paths: HiddenPaths | undefined;
  #item = 0;
  /** For each inode, where the hash of a file with several names is kept. Made for the first such file. */
  #rows: Int32Array | undefined;
  #hashes = Buffer.alloc(64 * SHA256);
  #used = 0;
  /** First names with xattrs or times: few files with several names have any. */
  readonly #firstNames = new Map<number, FirstName>();
  /** Creation times that the output does not keep, by item. */
  readonly #created = new Map<number, EntryTime>();

  constructor(plan: PlanColumns, versions: Versions, { needsHashes, onEntry, flush, paths }: RecordedEntriesOptions) {
    this.#plan = plan;
    this.#versions = versions;
    this.needsHashes = needsHashes;
    this.#onEntry = onEntry;
    this.#flush = flush;
    this.#paths = paths;
  }

  flush(): Promise<void> | undefined {
    return this.#flush();
  }

  /** Only images for Windows keep the time of creation in their headers. */
  rewritten(item: number, headers: Uint8Array): void {
    const entry = this.#plan.entry[item] as number;
    const { entries } = this.#plan.layers[this.#plan.layer[item] as number] as IndexedLayer;
    if ((entries.flags(entry) & QUIRK.windowsRecord) === 0) return;
    const stored = emptyEntry();
    decodeEntry(headers, 0, 0, stored);
    const { crtime } = entryTimes(stored, headers);
    if (crtime) this.#created.set(item, crtime);
  }

  entry(entry: TarEntry, sha256: string | undefined, bytes: Uint8Array): void {
    const item = this.#item++;
    const node = this.#plan.node[item] as Node;
    const { tree } = this.#versions.merged;
    const found = this.#versions.originOf(node);
    const own = this.#paths?.entryOf(node);
    const origin = own === undefined ? found : { ...found, entry: own };
    const created = this.#created.get(item);
    if (created) this.#created.delete(item);
    const inode = tree.inode(node);
    const isLink = entry.type === TYPE.hardLink;
    const first = isLink ? this.#firstNames.get(inode) : undefined;
    const contents = isLink ? indexedContents(this.#versions.merged, inode) : storedContents(entry);
    const xattrs = isLink ? (first?.xattrs ?? NO_XATTRS) : xattrsOf(entry);
    const times = isLink ? (first?.times ?? NO_TIMES) : entryTimes(entry, bytes);
    if (!isLink && origin.nlink > 1 && inode !== NONE) {
      this.#keep(inode, sha256, { xattrs, times: created ? { ...times, crtime: created } : times });
    }
    // One literal: a million entries take a third less time than with parts that are spread.
    this.#onEntry({
      path: tree.path(node),
      type: contents.type,
      mode: contents.type === 'symlink' ? 0o777 : entry.mode,
      uid: entry.uid,
      gid: entry.gid,
      size: contents.size,
      mtime: { seconds: entry.mtime, nanos: entry.mtimeNanos },
      atime: times.atime,
      ctime: times.ctime,
      crtime: created ?? times.crtime,
      target: contents.target,
      device: contents.device,
      xattrs,
      sha256: isLink ? this.#keptHash(inode) : sha256,
      origin,
    });
  }

  #keep(inode: number, sha256: string | undefined, { xattrs, times }: FirstName): void {
    if (xattrs.size > 0 || times.atime || times.ctime || times.crtime) {
      this.#firstNames.set(inode, { times, xattrs: detachedXattrs(xattrs) });
    }
    if (sha256 === undefined) return;
    if (this.#used + SHA256 > this.#hashes.length) {
      this.#hashes = Buffer.concat([this.#hashes, Buffer.alloc(this.#hashes.length)]);
    }
    this.#hashes.write(sha256, this.#used, 'hex');
    this.#rows ??= new Int32Array(this.#versions.merged.tree.inodes.length).fill(NONE);
    this.#rows[inode] = this.#used;
    this.#used += SHA256;
  }

  #keptHash(inode: number): string | undefined {
    const row = this.#rows?.[inode] ?? NONE;
    return row === NONE ? undefined : this.#hashes.toString('hex', row, row + SHA256);
  }
}
