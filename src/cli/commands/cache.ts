import prettyBytes from 'pretty-bytes';
import { printable } from '../../base/text/printable.js';
import { blobKind } from '../../cache/blob-kind.js';
import type { CacheEntry, CacheFiles, NamedDigest } from '../../cache/cache-files.js';
import { openCacheFiles, withStoreErrors } from '../../cache/cache-folder.js';
import { findBlobs } from '../../cache/find-blobs.js';
import { pruneCache } from '../../cache/prune-cache.js';
import { verifyCache } from '../../cache/verify-cache.js';
import { DimgxError } from '../../errors.js';
import { byteSize, flag, text } from '../options/option-row.js';
import { alignColumns, relativeTime } from '../output/table.js';
import { defineCommand } from './command.js';

/** What `cache ls` prints as JSON. */
interface CacheJson {
  readonly folder: string;
  /** Limit and current size of the cache, in bytes. */
  readonly limit: number;
  readonly size: number;
  /** Most recently used first. */
  readonly blobs: readonly BlobJson[];
  readonly partial: readonly { readonly digest: string; readonly size: number; readonly lastWritten: string }[];
}

interface BlobJson {
  readonly digest: string;
  readonly size: number;
  /** Size of the data derived from the blob, in bytes. */
  readonly indexSize: number;
  /** RFC 3339. */
  readonly lastUsed: string;
  /** `index`, `manifest`, `config`, `tar`, a compression, or `null`. */
  readonly kind: string | null;
  /** Image names that had this digest when they were last requested. */
  readonly names: readonly string[];
}

export const cacheLs = defineCommand({
  describe: "Lists the blobs in the user's cache, the most recently used first.",
  examples: [
    ['dimgx cache ls', 'list the blobs'],
    ['dimgx cache ls --json', 'list them as JSON'],
  ],
  options: {},
  json: 'print JSON',
  async run({ env }) {
    const { files, limit } = await openCacheFiles(env);
    const listed = await withStoreErrors(files.folder, () => list(files, limit));
    return { text: () => table(listed), json: () => listed };
  },
});

async function list(files: CacheFiles, limit: number): Promise<CacheJson> {
  const entries = (await files.entries()).toSorted((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
  const named = await files.names();
  const blobs = await Promise.all(entries.map((entry) => blobJson(files, entry, named)));
  const partial = (await files.unfinished()).flatMap(({ digest, length, lastWritten }) =>
    digest === undefined ? [] : { digest, size: length, lastWritten: lastWritten.toISOString() },
  );
  const size = [...blobs, ...partial].reduce((sum, each) => sum + each.size + ('kind' in each ? each.indexSize : 0), 0);
  return { folder: files.folder, limit, size, blobs, partial };
}

async function blobJson(files: CacheFiles, entry: CacheEntry, named: readonly NamedDigest[]): Promise<BlobJson> {
  const { digest, length, derived, lastUsed } = entry;
  return {
    digest,
    size: length,
    indexSize: derived,
    lastUsed: lastUsed.toISOString(),
    kind: (await blobKind(files.blob(digest)).catch(() => undefined)) ?? null,
    names: named.filter((each) => each.digest === digest).map(({ name }) => name),
  };
}

function table({ folder, limit, size, blobs, partial }: CacheJson): string {
  const now = new Date();
  const rows = [
    ...blobs.map(({ digest, size, kind, lastUsed, names }) => [
      ...[digest, prettyBytes(size), kind ?? '-', relativeTime(lastUsed, now)],
      printable(names.join(', '), 200),
    ]),
    ...partial.map((file) => [file.digest, prettyBytes(file.size), 'cut off', relativeTime(file.lastWritten, now), '']),
  ];
  const total = `${prettyBytes(size)} of at most ${prettyBytes(limit)} in ${folder}\n`;
  if (rows.length === 0) return total;
  return [...alignColumns([['DIGEST', 'SIZE', 'KIND', 'LAST USED', 'IMAGE'], ...rows]), total].join('\n');
}

export const cacheVerify = defineCommand({
  describe: 'Hashes every blob in the cache. Damaged blobs are removed and named, and the exit status is 2.',
  examples: [['dimgx cache verify', 'check every blob']],
  options: {},
  json: 'print JSON',
  async *run({ env, library: { signal, onProgress } }) {
    const { files } = await openCacheFiles(env);
    const { entries, damaged, size } = await withStoreErrors(files.folder, async () => {
      const entries = await files.entries();
      const size = entries.reduce((sum, { length }) => sum + length, 0);
      let done = 0;
      const onVerified = ({ length }: CacheEntry) => {
        done += length;
        onProgress?.({ stage: 'verify', item: 'the cache', done, total: size });
      };
      return { entries, damaged: await verifyCache(files, entries, { signal, onVerified }), size };
    });
    const digests = damaged.map(({ digest }) => digest);
    const whole = entries.length - damaged.length;
    yield {
      text: () => `${digestLines('damaged', digests)}${whole} blobs are intact, ${prettyBytes(size)} hashed\n`,
      json: () => ({ damaged: digests, whole, size }),
    };
    if (damaged.length > 0) throw discarded(damaged.length, entries.length);
  },
});

function discarded(count: number, of: number): DimgxError {
  const message = `${count} of ${of} blobs in the cache were damaged and have been removed`;
  return new DimgxError('DIMGX_CACHE_DAMAGED', `${message}: they are downloaded again when needed`);
}

export const cachePrune = defineCommand({
  synopsis: '[options] [--all | --size=SIZE]',
  describe:
    'Removes the least recently used blobs until the cache is within its limit, and downloads that were cut off over a week ago.',
  examples: [
    ['dimgx cache prune', 'shrink the cache to its limit'],
    ['dimgx cache prune --size=2GB', 'shrink it to 2 GB'],
    ['dimgx cache prune --all', 'remove everything'],
  ],
  options: {
    all: { ...flag, slot: 'size', describe: 'remove everything except downloads in progress' },
    size: {
      ...text,
      slot: 'size',
      metavar: '=SIZE',
      read: byteSize(0),
      describe: 'keep at most SIZE, such as 500M or 2GB (default: DIMGX_CACHE_SIZE, or 10GB)',
    },
  },
  json: 'print JSON',
  async run({ given: { all, size }, env }) {
    const { files, limit } = await openCacheFiles(env);
    const most = all ? 0 : (size ?? limit);
    const { removed, freed, kept } = await withStoreErrors(files.folder, () => pruneCache(files, most));
    const digests = removed.map(({ digest }) => digest);
    return {
      text: () => `${digestLines('removed', digests)}${prettyBytes(freed)} freed, ${prettyBytes(kept)} kept\n`,
      json: () => ({ removed: digests, freed, kept }),
    };
  },
});

export const cacheRm = defineCommand({
  describe: 'Removes blobs from the cache. Each is named by its digest, or by the first four or more digits of it.',
  examples: [['dimgx cache rm 3e1c9749', 'remove one blob']],
  operands: { name: 'DIGEST', count: 'some', wanted: 'needs digests' },
  options: {},
  json: 'print JSON',
  async run({ operands, env }) {
    const { files } = await openCacheFiles(env);
    const digests = await withStoreErrors(files.folder, async () => {
      const found = findBlobs(await files.entries(), operands);
      for (const { digest } of found) await files.remove(digest);
      return found.map(({ digest }) => digest);
    });
    return { text: () => digestLines('removed', digests), json: () => ({ removed: digests }) };
  },
});

function digestLines(what: string, digests: readonly string[]): string {
  return digests.map((digest) => `${what}: ${digest}\n`).join('');
}
