import { quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';
import type { EntryWatcher } from '../../extract/watch/hashed-entries.js';
import { NONE } from '../../merge/node.js';
import type { TarEntry } from '../../tar/entry.js';
import { TYPE } from '../../tar/header.js';
import { cleanPath } from '../../tar/path.js';
import { type FileFacts, fileFacts } from '../header-facts.js';
import type { RecordedEntry, VersionOrigin } from '../recorded-entry.js';
import type { ProvenanceImage } from '../records/provenance.js';
import type { ComparedRecord } from './compared-record.js';
import { type ComparedRecords, EntryOrigins, type OriginalEntry } from './entry-origins.js';
import { FirstNames } from './first-names.js';
import { InodeNames } from './inode-names.js';
import { originFlaw } from './origin-rules.js';
import type { TarCounts } from './snapshot-finding.js';
import type { VersionChains } from './version-chains.js';

/** What a tar is compared with. */
export interface AgreementContext {
  /** Path of the tar in the bag. */
  readonly tar: string;
  /** Whether it is the tar of hidden versions. */
  readonly isHidden: boolean;
  readonly records: ComparedRecords;
  /** What the first line of provenance says; `undefined` if it cannot be read. */
  readonly image: ProvenanceImage | undefined;
  readonly chains: VersionChains;
  /** Whether the tar may lack times of creation that the body file has. */
  readonly mayLackCreation: boolean;
  /** The names in the flat tar, once all of them are known. */
  readonly present?: InodeNames | undefined;
}

/**
 * Compares records with a tar as its entries pass by: from each entry, and from what provenance says of its origin, the
 * line of each record is made again. If provenance has no line for an entry, the other records are compared without it.
 */
export class TarAgreement implements EntryWatcher {
  readonly needsHashes = true;
  /** The names in the tar, as far as provenance is in order. */
  readonly names = new InodeNames();
  readonly #ofLayers = new Map<number, number>();
  #implied = 0;
  readonly #context: AgreementContext;
  readonly #origins: EntryOrigins;
  readonly #records: readonly ComparedRecord[];
  readonly #firstNames = new FirstNames();
  #isBegun: boolean;
  /** Number of the line of provenance for the first entry. */
  #firstLine = 0;

  constructor(context: AgreementContext) {
    const { records, image, isHidden } = context;
    this.#context = context;
    this.#origins = new EntryOrigins(records, image, isHidden);
    this.#isBegun = isHidden;
    const { provenance, sha256sums, mtree, bodyfile } = records;
    const all = [provenance, sha256sums, mtree, bodyfile].filter((record) => record !== undefined);
    this.#records = isHidden ? all.filter(({ writer }) => writer.hasHidden) : all;
  }

  /** The first thing that is wrong with the names in the tar, worded to follow its path; printable. */
  get problem(): string | undefined {
    return this.#origins.problem;
  }

  get counts(): TarCounts {
    return { ofLayers: this.#ofLayers, implied: this.#implied };
  }

  /** @throws DIMGX_ENTRY_BAD_LINK, DIMGX_ENTRY_UNSAFE_NAME, DIMGX_LIMIT_NAMES; as `RecordLines.next` */
  entry(entry: TarEntry, sha256: string | undefined, bytes: Uint8Array): void | Promise<void> {
    const name = cleanPath(entry.name, 'clamp');
    if (this.#isBegun) return this.#compare(name, entry, sha256, bytes);
    return this.begin({ path: name }).then(() => this.#compare(name, entry, sha256, bytes));
  }

  /** Compares the headings of the records, unless an entry has passed by. */
  async begin(first?: Pick<RecordedEntry, 'path'>): Promise<void> {
    if (this.#isBegun) return;
    this.#isBegun = true;
    for (const record of this.#records) {
      const lines = record.writer.heading(first).split(/(?<=\n)/);
      for (const line of lines) {
        if (record.problem === undefined) await record.take(line, 'the form of the record');
        else await record.skip();
      }
    }
  }

  /** Compares what only the whole tar tells. Call it once, when no more entries come. */
  end(): void {
    this.names.sort();
    const name = this.names.miscounted();
    if (name < 0) return;
    const what = `has another nlink than its inode has names in ${this.#context.tar}`;
    this.#context.records.provenance?.blame(what, this.#firstLine + name);
  }

  #compare(
    name: Uint8Array,
    entry: TarEntry,
    sha256: string | undefined,
    bytes: Uint8Array,
  ): Promise<void> | undefined {
    const original = this.#origins.of(name);
    const isLink = entry.type === TYPE.hardLink;
    const facts = isLink ? this.#sharedFacts(entry, original) : fileFacts(entry, sha256, bytes);
    const { path, origin, isTold, names } = original;
    if (names > 1 && !isLink && facts.type !== 'directory') this.#firstNames.add(name, facts, origin.inode);
    const { mode, uid, gid, mtime, mtimeNanos } = entry;
    const { type, size, target, device, xattrs, atime, ctime, crtime } = facts;
    // One literal, as where records are written: parts that are spread take a third more time.
    const recorded: RecordedEntry = {
      path,
      type,
      mode: type === 'symlink' ? 0o777 : mode,
      uid,
      gid,
      size,
      mtime: { seconds: mtime, nanos: mtimeNanos },
      atime,
      ctime,
      crtime,
      target,
      device,
      xattrs,
      sha256: facts.sha256,
      origin,
    };
    this.#count(origin);
    if (isTold) this.#checkOrigin(recorded);
    return this.#take(recorded);
  }

  #count({ layer, isImplied }: VersionOrigin): void {
    const listed = this.#context.image?.layers[layer - 1] ? layer : 0;
    this.#ofLayers.set(listed, (this.#ofLayers.get(listed) ?? 0) + 1);
    if (isImplied) this.#implied++;
  }

  /** @throws DIMGX_ENTRY_BAD_LINK */
  #sharedFacts(entry: TarEntry, { origin, isTold }: OriginalEntry): FileFacts {
    const row = this.#firstNames.find(cleanPath(entry.link, 'clamp'));
    if (row === NONE) {
      const message = `${quoted(entry.name)} is a hard link to ${quoted(entry.link)}, which has no other names as the records have it`;
      throw new DimgxError('DIMGX_ENTRY_BAD_LINK', message);
    }
    if (isTold && origin.inode !== this.#firstNames.inode(row)) {
      this.#context.records.provenance?.blame('has another inode than the first name of the file');
    }
    return this.#firstNames.facts(row);
  }

  #checkOrigin(recorded: RecordedEntry): void {
    const { image, present, chains, records } = this.#context;
    const provenance = records.provenance as ComparedRecord;
    if (provenance.problem !== undefined) return;
    if (this.names.length === 0) this.#firstLine = provenance.lines.number;
    const { origin, path } = recorded;
    const flaw = originFlaw(recorded, { layers: image?.layers.length ?? 0, present });
    if (flaw !== undefined) provenance.blame(flaw);
    else {
      this.names.add(origin.inode, origin.nlink, path);
      chains.add(recorded);
    }
  }

  #take(recorded: RecordedEntry): Promise<void> | undefined {
    let waiting: Promise<void>[] | undefined;
    for (const record of this.#records) {
      const more = this.#takeLine(record, recorded);
      if (more) waiting = [...(waiting ?? []), more];
    }
    return waiting && Promise.all(waiting).then(() => undefined);
  }

  /** Only provenance is read on when something is wrong with it: its other lines may be of use. */
  #takeLine(record: ComparedRecord, recorded: RecordedEntry): Promise<void> | undefined {
    const { records, tar, mayLackCreation } = this.#context;
    if (record.problem !== undefined) return record === records.provenance ? record.skip() : undefined;
    const isCreated = mayLackCreation && record === records.bodyfile;
    const shown = isCreated ? withCreation(recorded, record.lines.line) : recorded;
    const isOfTarAlone = record === records.provenance || record === records.sha256sums;
    const source = isOfTarAlone || !records.provenance ? tar : `${tar} with ${records.provenance.path}`;
    return record.take(record.writer.line(shown), source);
  }
}

/** The time of creation, if the tar lacks it, as the body file has it. */
function withCreation(recorded: RecordedEntry, line = ''): RecordedEntry {
  const [, seconds] = /\|(-?\d{1,20})\n$/.exec(line.slice(-22)) ?? [];
  if (recorded.crtime || seconds === undefined || seconds === '0') return recorded;
  return { ...recorded, crtime: { seconds: Number(seconds), nanos: 0 } };
}
