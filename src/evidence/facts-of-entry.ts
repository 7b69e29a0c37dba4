import type { EntryWatcher } from '../extract/watch/hashed-entries.js';
import type { TarEntry } from '../tar/entry.js';
import { xattrsOf } from '../tar/portable-record.js';
import type { EntryFacts } from './path-history.js';

/** Takes what must be compared from an entry that passes by. */
export class FactsOfEntry implements EntryWatcher, EntryFacts {
  readonly needsHashes: boolean;
  xattrs: ReadonlyMap<string, Uint8Array> = new Map();
  sha256: string | undefined;

  constructor(needsHashes: boolean) {
    this.needsHashes = needsHashes;
  }

  entry(entry: TarEntry, sha256: string | undefined): void {
    this.sha256 = sha256;
    this.xattrs = new Map([...xattrsOf(entry)].map(([name, value]) => [name, Uint8Array.from(value)]));
  }
}
