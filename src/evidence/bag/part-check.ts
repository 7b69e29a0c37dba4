import { type BigIntStats, closeSync, fstatSync } from 'node:fs';
import { handledLater } from '../../base/call/deferred.js';
import { isTooManyFiles, tooManyFiles } from '../../base/io/open-file-limit.js';
import type { ByteName } from '../../base/io/open-folder.js';
import { reasonOf, withoutCall } from '../../base/text/printable.js';
import { DimgxError, isSystemError, throwIfAborted } from '../../errors.js';
import { type BagFinding, finding } from './finding.js';
import { hashFile } from './hash-file.js';
import type { Manifest } from './manifest.js';
import type { Walked } from './walk-bag.js';

/** How many files are hashed at once. */
const AT_ONCE = 2;

/** The tag files of a bag, or its payload. */
export interface BagPart {
  /** The manifests that list its files. */
  readonly manifests: readonly Manifest[];
  readonly isPayload: boolean;
  /** Whether all of the manifests have to list a file. */
  readonly isListedByAll: (path: ByteName) => boolean;
}

export interface Hashing {
  readonly signal: AbortSignal | undefined;
  /** Called with the size of each file before it is hashed. May throw. */
  readonly onFile: (bytes: number) => void;
  /** Called with the number of bytes hashed since the last call. May throw. */
  readonly onBytes: (bytes: number) => void;
}

/** A line of a manifest: its row in the table. */
interface Line {
  readonly manifest: Manifest;
  readonly row: number;
}

type WalkedFile = Extract<Walked, { readonly stats: unknown }>;

/** The check of one part of a bag against its manifests. */
export class PartCheck {
  /** Size in bytes and number of the regular files so far. */
  readonly sum = { bytes: 0, files: 0 };
  readonly #part: BagPart;
  readonly #hashing: Hashing;

  constructor(part: BagPart, hashing: Hashing) {
    this.#part = part;
    this.#hashing = hashing;
  }

  /**
   * Tells about each file that a walk comes across, in the same order, and then about those that are missing.
   *
   * @throws what the walk and the callbacks of `hashing` throw; DIMGX_TOO_MANY_FILES, DIMGX_ABORTED
   */
  async *findings(walk: Iterable<Walked>): AsyncGenerator<BagFinding, void, void> {
    const running: Promise<BagFinding>[] = [];
    try {
      for (const walked of walk) {
        throwIfAborted(this.#hashing.signal);
        running.push(handledLater(this.#check(walked)));
        if (running.length === AT_ONCE) yield await (running.shift() as Promise<BagFinding>);
      }
      for (const found of running) yield await found;
    } finally {
      await Promise.allSettled(running);
    }
    yield* this.#missing();
  }

  /** Opens the file before it returns, while the folder is open. */
  async #check(walked: Walked): Promise<BagFinding> {
    const { manifests, isPayload, isListedByAll } = this.#part;
    const { path } = walked;
    const lines = manifests.map((manifest) => ({ manifest, row: manifest.files.find(path) }));
    const listed = lines.filter(({ row }) => row >= 0);
    for (const { manifest, row } of listed) manifest.files.see(row);
    if ('failure' in walked) return finding(path, 'unreadable', unreadable(walked.failure));
    if (!walked.stats.isFile()) return finding(path, 'irregular', irregular(walked.stats));
    this.sum.bytes += Number(walked.stats.size);
    this.sum.files++;
    if (listed.length === 0 && isPayload) return finding(path, 'extra', 'is in no manifest');
    try {
      const digests = listed.length === 0 ? [] : await this.#hash(walked, listed);
      const wrong = listed.filter(({ manifest, row }, at) => !manifest.files.digest(row).equals(digests[at] as Buffer));
      if (wrong.length > 0) return finding(path, 'changed', `has ${others(wrong)}`);
    } catch (failure) {
      return findingOf(path, failure);
    }
    const lacking = lines.filter(({ row }) => row < 0);
    if (lacking.length > 0 && isListedByAll(path)) return finding(path, 'unlisted', `is not in ${namesOf(lacking)}`);
    const message = listed.length === 0 ? 'is in no tag manifest' : `is as ${namesOf(listed)} says`;
    return finding(path, undefined, message);
  }

  async #hash({ folder, name }: WalkedFile, listed: readonly Line[]): Promise<readonly Buffer[]> {
    const { signal, onFile, onBytes } = this.#hashing;
    const fd = folder.openFile(name);
    try {
      const stats = fstatSync(fd, { bigint: true });
      if (!stats.isFile()) throw new DimgxError('DIMGX_SOURCE_BAD_MEMBER', irregular(stats));
      onFile(Number(stats.size));
      const algorithms = listed.map(({ manifest }) => manifest.algorithm);
      return await hashFile(fd, stats, algorithms, (bytes) => {
        throwIfAborted(signal);
        onBytes(bytes);
      });
    } finally {
      closeSync(fd);
    }
  }

  *#missing(): Generator<BagFinding, void, void> {
    const { manifests } = this.#part;
    for (const [at, { name, files }] of manifests.entries()) {
      const before = manifests.slice(0, at);
      for (const path of files.unseen()) {
        const isTold = before.some((manifest) => manifest.files.find(path) >= 0);
        if (!isTold) yield finding(path, 'missing', `is missing: ${name} lists it`);
      }
    }
  }
}

function namesOf(lines: readonly Line[]): string {
  return lines.map(({ manifest }) => manifest.name).join(' and ');
}

function others(wrong: readonly Line[]): string {
  return wrong.map(({ manifest }) => `another ${manifest.algorithm} than ${manifest.name} says`).join(' and ');
}

/** @throws the failure, unless it is about this file only */
function findingOf(path: ByteName, failure: unknown): BagFinding {
  if (isTooManyFiles(failure)) throw tooManyFiles(failure);
  if (isSystemError(failure, 'ELOOP')) return finding(path, 'irregular', 'is a symlink, not a file');
  if (isSystemError(failure, 'ENOENT')) return finding(path, 'changed', 'was removed while the bag was read');
  if (isSystemError(failure)) return finding(path, 'unreadable', unreadable(failure));
  if (!(failure instanceof DimgxError)) throw failure;
  if (failure.code === 'DIMGX_SOURCE_BAD_MEMBER') return finding(path, 'irregular', failure.message);
  if (failure.code === 'DIMGX_SOURCE_CHANGED') return finding(path, 'changed', 'was written to while it was read');
  throw failure;
}

function unreadable(failure: unknown): string {
  return `cannot be read (${withoutCall(reasonOf(failure))})`;
}

function irregular(stats: BigIntStats): string {
  return `is ${kindOf(stats)}, not a file`;
}

function kindOf(stats: BigIntStats): string {
  if (stats.isSymbolicLink()) return 'a symlink';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  return stats.isDirectory() ? 'a folder' : 'a device';
}
