import { createHash, hash } from 'node:crypto';
import type { TarEntry } from '../../tar/entry.js';
import { TYPE } from '../../tar/header.js';
import type { PassingSparse, TarVisitor } from '../../tar/passing-tar.js';
import { ContentsHash } from './contents-hash.js';

/** Called for each entry of a tar. */
export interface EntryWatcher {
  /** Whether it needs the SHA-256 of contents, which takes most of the time. */
  readonly needsHashes: boolean;
  /**
   * @param entry valid during the call
   * @param sha256 of a file's contents, in hex; `undefined` for other types, and if no watcher needs it
   * @param bytes what the entry's offsets count in: they hold its headers
   * @returns a promise if the tar must wait; the entry and the bytes are then valid until it resolves
   */
  entry(entry: TarEntry, sha256: string | undefined, bytes: Uint8Array): void | Promise<void>;
  /**
   * Called before `entry` for entries whose headers are written anew.
   *
   * @param item number of the entry in the tar, from 0
   * @param headers as they are in the layer
   */
  rewritten?(item: number, headers: Uint8Array): void;
  /** Waits until what the watcher writes has room for more. */
  flush?(): Promise<void> | undefined;
  /** Called once, when the whole tar has been made. */
  end?(): void;
}

const EMPTY = createHash('sha256').digest('hex');

/** Hashes the contents of files, and hands each entry to the watchers once its contents have passed by. */
export class HashedEntries implements TarVisitor {
  readonly #watchers: readonly EntryWatcher[];
  readonly #needsHashes: boolean;
  readonly #signal: AbortSignal | undefined;
  #entry: TarEntry | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #sha256: string | undefined;
  #contents: ContentsHash | undefined;

  constructor(watchers: readonly EntryWatcher[], signal?: AbortSignal) {
    this.#watchers = watchers;
    this.#needsHashes = watchers.some(({ needsHashes }) => needsHashes);
    this.#signal = signal;
  }

  begin(entry: TarEntry, sparse: PassingSparse | undefined, bytes: Uint8Array): undefined {
    this.#entry = entry;
    this.#bytes = bytes;
    this.#contents = undefined;
    const isHashed = this.#needsHashes && entry.type === TYPE.file;
    this.#sha256 = isHashed && entry.size === 0 ? EMPTY : undefined;
    if (isHashed && sparse) this.#contents = new ContentsHash(sparse, this.#signal);
  }

  /** @throws DIMGX_ABORTED */
  contents(bytes: Uint8Array): Promise<void> | undefined {
    const { type, dataSize } = this.#entry as TarEntry;
    if (!this.#needsHashes || type !== TYPE.file) return undefined;
    if (!this.#contents && bytes.length === dataSize) {
      this.#sha256 = hash('sha256', bytes, 'hex');
      return undefined;
    }
    this.#contents ??= new ContentsHash(undefined);
    return this.#contents.push(bytes);
  }

  end(): Promise<void> | undefined {
    if (!this.#contents) return this.#report(this.#sha256);
    return this.#contents.end().then((sha256) => this.#report(sha256));
  }

  #report(sha256: string | undefined): Promise<void> | undefined {
    const entry = this.#entry as TarEntry;
    let slow: Promise<void>[] | undefined;
    for (const watcher of this.#watchers) {
      const more = watcher.entry(entry, sha256, this.#bytes);
      if (more) slow = [...(slow ?? []), more];
    }
    return slow && Promise.all(slow).then(() => undefined);
  }
}
