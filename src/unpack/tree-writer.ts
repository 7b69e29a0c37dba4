import { lstatSync } from 'node:fs';
import type { ByteName } from '../base/io/open-folder.js';
import { pathData, quoted } from '../base/text/printable.js';
import { DimgxError, throwIfAborted, type Warn } from '../errors.js';
import type { TarEntry } from '../tar/entry.js';
import { TYPE } from '../tar/header.js';
import type { PassingSparse, TarVisitor } from '../tar/passing-tar.js';
import { cleanPath } from '../tar/path.js';
import { latin1 } from '../tar/pax.js';
import { FolderWalk } from './folder-walk.js';
import { FoldersInWork } from './folders-in-work.js';
import { Journal } from './journal.js';
import type { Landings } from './landings.js';
import { LateWork, linkTo } from './late-work.js';
import { NewFile } from './new-file.js';
import { NodeMaker } from './node-maker.js';
import type { Target } from './target.js';
import { refused } from './target-errors.js';
import { Turns } from './turns.js';

/** What was copied. */
export interface UnpackResult {
  /** Number of names of regular files. */
  readonly files: number;
  /** Number of directories, including those that existed. */
  readonly directories: number;
  readonly symlinks: number;
  /** Number of names of devices and FIFOs, which are not copied. */
  readonly skipped: number;
  /** Bytes of contents, without holes. */
  readonly bytes: number;
}

export interface WriterOptions {
  /** Whether files and symlinks are replaced. */
  readonly force?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onWarning?: Warn | undefined;
}

/** Writes the entries of an output tar as files, directories and links. It relies on what the output promises. */
export class TreeWriter implements TarVisitor {
  readonly #target: Target;
  readonly #landings: Landings;
  readonly #options: WriterOptions;
  readonly #turns: Turns;
  readonly #journal = new Journal();
  readonly #late = new LateWork();
  readonly #maker: NodeMaker;
  readonly #folders: FoldersInWork;
  /** Goes to the first names of hard links. */
  readonly #firsts: FolderWalk;
  #counts = { files: 0, directories: 0, symlinks: 0, skipped: 0, bytes: 0 };
  #firstSkipped: ByteName = '';
  /** Names of skipped entries that something else has, from before the run. Nothing is linked to it. */
  readonly #standIns = new Set<ByteName>();
  /** Where the current entry goes, and the file if it is one. */
  #path: ByteName = '';
  #file: NewFile | undefined;
  #isOver = false;

  /** @param target its folder is closed by `finish` and by `discard` */
  constructor(target: Target, landings: Landings, options: WriterOptions) {
    this.#target = target;
    this.#landings = landings;
    this.#options = options;
    this.#turns = new Turns(options.signal);
    this.#maker = new NodeMaker(target, this.#journal, options.force ?? false);
    this.#folders = new FoldersInWork(target, this.#maker, this.#late);
    this.#firsts = new FolderWalk(target.root);
  }

  /** @throws DIMGX_TARGET_*, DIMGX_TOO_MANY_FILES, DIMGX_ABORTED, DIMGX_ENTRY_BAD_LINK; so do `contents` and `end` */
  begin(entry: TarEntry, sparse: PassingSparse | undefined): undefined {
    this.#goOn();
    const source = latin1(cleanPath(entry.name, 'clamp'));
    const path = this.#landings.of(source);
    if (path === undefined) return;
    this.#path = path;
    if (entry.type !== TYPE.directory) this.#requireNoFolder(source, path);
    if (path !== '') this.#target.attempt(path, () => this.#write(path, entry, sparse));
  }

  contents(bytes: Uint8Array): Promise<void> | undefined {
    const file = this.#file;
    if (!file) return undefined;
    this.#goOn();
    const writing = this.#target.attempt(this.#path, () => file.write(bytes));
    return writing?.catch((failure: unknown) => {
      throw this.#target.failure(this.#path, failure);
    });
  }

  end(): Promise<void> | undefined {
    const file = this.#file;
    this.#file = undefined;
    if (file) this.#target.attempt(this.#path, () => file.finish());
    return this.#turns.due();
  }

  /** Does what must come last. Called once, after the whole tar has passed. @throws as `begin` */
  async finish(): Promise<UnpackResult> {
    this.#goOn();
    const { onWarning } = this.#options;
    const whole = this.#landings.of(''); // an image may have no entry for its root, or none at all
    if (whole !== undefined) this.#target.attempt(whole, () => this.#folders.go(whole));
    this.#target.attempt(whole ?? '', () => this.#folders.leaveAll());
    const { made, lost } = await this.#late.run(this.#target, this.#maker, this.#turns);
    this.#counts.symlinks += made;
    this.#counts.skipped += lost;
    const { skipped } = this.#counts;
    const message = `devices and FIFOs are not copied: ${quoted(this.#target.shown(this.#firstSkipped))}`;
    if (skipped > 0) onWarning?.({ code: 'DIMGX_ENTRY_NOT_COPIED', message, count: skipped });
    await this.#journal.settle(this.#target.root, this.#turns).catch((failure: unknown) => {
      throw this.#target.failure('', failure);
    });
    this.#close();
    return { ...this.#counts };
  }

  /** Removes what was made, and restores what was replaced. Has no effect after `finish`. */
  async discard(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#file?.abandon();
    await this.#journal.undo(this.#target.root);
    this.#close();
  }

  #write(path: ByteName, entry: TarEntry, sparse: PassingSparse | undefined): void {
    const { type } = entry;
    if (type === TYPE.directory) {
      this.#folders.enter(path, entry);
      this.#counts.directories++;
    } else if (type === TYPE.file) {
      const fd = this.#maker.file(this.#folders.spot(path));
      this.#file = new NewFile(fd, entry, sparse, this.#turns);
      this.#counts.files++;
      this.#counts.bytes += entry.dataSize - (sparse?.skip ?? 0);
    } else if (type === TYPE.symlink) {
      const spot = this.#folders.spot(path);
      if (spot.isOld) this.#maker.makeWay(spot);
      this.#late.symlink(spot, entry);
      this.#folders.delay();
      this.#counts.symlinks++;
    } else if (type === TYPE.hardLink) {
      this.#link(path, entry.link);
    } else {
      this.#skip(path);
      const { folder, name, isOld } = this.#folders.spot(path);
      if (isOld && lstatSync(folder.at(name), { throwIfNoEntry: false })) this.#standIns.add(path);
    }
  }

  #link(path: ByteName, link: Uint8Array): void {
    const first = this.#landings.of(latin1(cleanPath(link, 'clamp')));
    if (first === undefined) throw linkToUnknown(path);
    const spot = this.#folders.spot(path);
    if (this.#standIns.has(first)) {
      this.#skip(path);
    } else if (linkTo(this.#firsts, first, spot, this.#maker)) {
      this.#counts.files++;
    } else {
      // Symlinks do not exist yet, and devices never will.
      if (spot.isOld) this.#maker.makeWay(spot);
      this.#late.link(spot, first);
      this.#folders.delay();
    }
  }

  #skip(path: ByteName): void {
    if (this.#counts.skipped === 0) this.#firstSkipped = path;
    this.#counts.skipped++;
  }

  #requireNoFolder(source: ByteName, path: ByteName): void {
    if (path === '') throw refused(this.#target.shown(''), 'is a directory: a file cannot take its place');
    if (!this.#target.isFolder || !this.#landings.isSource(source)) return;
    throw refused(this.#target.shown(path), 'is to be a file, but the slash behind it stands for a directory');
  }

  /** @throws DIMGX_ABORTED */
  #goOn(): void {
    throwIfAborted(this.#options.signal);
    if (this.#isOver) throw new DimgxError('DIMGX_ABORTED', 'the work was cancelled');
  }

  #close(): void {
    this.#isOver = true;
    this.#folders.close();
    this.#firsts.close();
    this.#target.root.close();
  }
}

function linkToUnknown(path: ByteName): DimgxError {
  const name = Buffer.from(path, 'latin1');
  const message = `${quoted(name)} is a hard link to a file that is not copied`;
  return new DimgxError('DIMGX_ENTRY_BAD_LINK', message, pathData(name));
}
