import { closeSync } from 'node:fs';
import type { FileBelow } from '../../base/io/folder-tree.js';
import { CODEC_NAMES, codecOf } from '../../compression/codecs.js';
import { DimgxError } from '../../errors.js';
import type { EntryWatcher } from '../../extract/watch/hashed-entries.js';
import type { Bag } from '../bag/bag.js';
import { type BagFinding, finding } from '../bag/finding.js';
import { PAYLOAD } from '../bag/manifest-path.js';
import type { RecordWriter } from '../recorded-entry.js';
import { bodyfileRecord } from '../records/bodyfile.js';
import { mtreeRecord } from '../records/mtree.js';
import { type ProvenanceImage, provenanceRecord } from '../records/provenance.js';
import { RECORD_NAMES, type RecordName } from '../records/record-writer.js';
import { sha256sumsRecord } from '../records/sha256sums.js';
import { SNAPSHOT_RECORDS, SNAPSHOT_TARS } from '../snapshot-paths.js';
import { ComparedRecord } from './compared-record.js';
import type { ComparedRecords } from './entry-origins.js';
import { RecordLines } from './record-lines.js';
import { isFiltered, mayLackCreation, type SnapshotDocument } from './snapshot-document.js';
import type { SnapshotContents } from './snapshot-finding.js';
import { type AgreementContext, TarAgreement } from './tar-agreement.js';
import { toldImage } from './told-image.js';
import { VersionChains } from './version-chains.js';

/** A tar in a bag. */
export interface BaggedTar {
  /** In the bag. */
  readonly path: string;
  readonly file: FileBelow;
  readonly isHidden: boolean;
}

/**
 * Reads a tar of a bag from its start to its end.
 *
 * @throws DIMGX_TAR_*, DIMGX_ENTRY_*, DIMGX_COMPRESSION_*, DIMGX_SOURCE_CHANGED, DIMGX_SOURCE_UNREADABLE if something is
 *   wrong with the tar; what the watcher throws; anything else ends the whole work
 */
export type ReadTar = (tar: BaggedTar, watcher: EntryWatcher) => Promise<void>;

/** A tar that was read and compared. */
interface ComparedTar {
  readonly path: string;
  /** `undefined` if it is missing, or could not be read to its end. */
  readonly agreement: TarAgreement | undefined;
  /** Worded to follow the path; printable. */
  readonly problem: string | undefined;
}

const NO_IMAGE: ProvenanceImage = { id: '', layers: [] };

/** The check whether the records of a snapshot agree with its tars. */
export class SnapshotAgreement {
  readonly #bag: Bag;
  readonly #isListed: (path: string) => boolean;
  readonly #readTar: ReadTar;
  readonly #document: SnapshotDocument | undefined;
  readonly #open: FileBelow[] = [];
  #image: ProvenanceImage | undefined;
  #tars: readonly ComparedTar[] = [];

  /**
   * @param isListed whether the payload has a file of this path
   * @param document what `snapshot.json` says; `undefined` if it cannot be read
   */
  constructor(bag: Bag, isListed: (path: string) => boolean, readTar: ReadTar, document: SnapshotDocument | undefined) {
    this.#bag = bag;
    this.#isListed = isListed;
    this.#readTar = readTar;
    this.#document = document;
  }

  /** What was found out; to be asked once all findings have been told. */
  get contents(): Omit<SnapshotContents, 'treeDigest'> {
    const [flat, hidden] = this.#tars;
    return { image: this.#image, flat: flat?.agreement?.counts, hidden: hidden?.agreement?.counts };
  }

  /**
   * Tells about each tar and each record, in an order that is always the same. A file that is listed but not there is left
   * to the check of the bag. Call it once.
   *
   * @throws DIMGX_BAG_INVALID for a line that is too long; DIMGX_LIMIT_NAMES, DIMGX_SOURCE_UNREADABLE,
   *   DIMGX_TOO_MANY_FILES; what `ReadTar` throws
   */
  async *findings(): AsyncGenerator<BagFinding, void, void> {
    try {
      const records = await this.#openRecords();
      const chains = new VersionChains();
      const flat = await this.#compare(SNAPSHOT_TARS.flat, { isHidden: false, records, chains });
      yield* tarFindings(flat);
      const context = { isHidden: true, records, chains, present: flat.agreement?.names };
      const hidden = flat.agreement && (await this.#compare(SNAPSHOT_TARS.hidden, context));
      if (hidden) yield* tarFindings(hidden);
      this.#tars = [flat, ...(hidden ? [hidden] : [])];
      if (hidden?.agreement && !isFiltered(this.#document) && !chains.areWhole()) {
        records.provenance?.blameWhole('names a shadow that no line tells about');
      }
      for (const name of RECORD_NAMES) {
        const path = inPayload(SNAPSHOT_RECORDS[name]);
        const record = records[name];
        if (record) yield recordFinding(record, this.#tars);
        else if (!this.#isListed(path)) yield finding(path, 'missing', 'is missing: a snapshot has it');
      }
    } finally {
      for (const { fd } of this.#open.splice(0)) closeSync(fd);
    }
  }

  async #openRecords(): Promise<ComparedRecords> {
    const records: { [Name in RecordName]?: ComparedRecord } = {};
    for (const name of RECORD_NAMES) {
      const path = inPayload(SNAPSHOT_RECORDS[name]);
      const file = this.#openFile(path);
      if (!file) continue;
      const lines = new RecordLines(file.fd, path);
      await lines.next();
      if (name === 'provenance') this.#image = toldImage(lines.line);
      records[name] = new ComparedRecord(path, this.#writerOf(name), lines);
    }
    if (!this.#image) records.provenance?.blame('is not about an image and its layers');
    return records;
  }

  #writerOf(name: RecordName): RecordWriter {
    if (name === 'provenance') return provenanceRecord(this.#image ?? NO_IMAGE);
    return { sha256sums: sha256sumsRecord, mtree: mtreeRecord, bodyfile: bodyfileRecord }[name]();
  }

  /** @param stem path of the tar below `data/`, without the extension of its compression */
  async #compare(
    stem: string,
    context: Omit<AgreementContext, 'tar' | 'image' | 'mayLackCreation'>,
  ): Promise<ComparedTar> {
    const [path = inPayload(stem), ...others] = pathsOfTar(stem).filter(this.#isListed);
    const file = this.#openFile(path);
    const missing = this.#isListed(path) ? undefined : 'is missing: a snapshot has it, compressed or not';
    if (!file) return { path, agreement: undefined, problem: missing };
    const known = { image: this.#image, mayLackCreation: mayLackCreation(this.#document) };
    const agreement = new TarAgreement({ ...context, ...known, tar: path });
    try {
      await this.#readTar({ path, file, isHidden: context.isHidden }, agreement);
      await agreement.begin();
      agreement.end();
    } catch (failure) {
      if (!isAboutTar(failure)) throw failure;
      return { path, agreement: undefined, problem: `cannot be read: ${failure.message}` };
    }
    const second = others.length > 0 ? `is not the only one: ${others[0]} is there, too` : undefined;
    return { path, agreement, problem: agreement.problem ?? second };
  }

  #openFile(path: string): FileBelow | undefined {
    const file = this.#isListed(path) ? this.#bag.openIfSound(path) : undefined;
    if (file) this.#open.push(file);
    return file;
  }
}

const OF_TAR = /^DIMGX_(?:TAR|ENTRY)_|^DIMGX_COMPRESSION_CORRUPT$|^DIMGX_SOURCE_(?:CHANGED|UNREADABLE)$/;

function isAboutTar(failure: unknown): failure is DimgxError {
  return failure instanceof DimgxError && OF_TAR.test(failure.code);
}

function inPayload(path: string): string {
  return `${PAYLOAD}/${path}`;
}

function pathsOfTar(stem: string): readonly string[] {
  const extensions = CODEC_NAMES.map((name) => codecOf(name).extensions[0] ?? '');
  return ['', ...extensions].map((extension) => inPayload(stem + extension));
}

/** Nothing is told of a tar that the check of the bag has missed. */
function tarFindings({ path, agreement, problem }: ComparedTar): readonly BagFinding[] {
  if (problem !== undefined) return [finding(path, 'contradicted', problem)];
  return agreement ? [finding(path, undefined, 'has what the records say')] : [];
}

/** @param tars those that were read, as far as that went */
function recordFinding(record: ComparedRecord, [flat, hidden]: readonly ComparedTar[]): BagFinding {
  const { path, writer, lines } = record;
  const needed = writer.hasHidden ? [flat, hidden] : [flat];
  const broken = needed.find((tar) => tar && !tar.agreement);
  if (broken) record.blame(`and those after it cannot be compared with ${broken.path}`);
  else record.end(needed.map((tar) => tar?.path).join(' and '));
  if (record.problem !== undefined) return finding(path, 'contradicted', record.problem);
  return finding(path, undefined, `has ${lines.number - 1} lines, as the tars say`);
}
