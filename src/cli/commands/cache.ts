import prettyBytes from 'pretty-bytes';
import { type CacheList, listCache, pruneCache, removeBlobs, verifyCache } from '../../cache.js';
import { DimgxError, printable } from '../../index.js';
import { byteSize, flag, text } from '../options/option-row.js';
import { alignColumns, relativeTime } from '../output/table.js';
import { defineCommand } from './command.js';

export const cacheLs = defineCommand({
  describe: "Lists the blobs in the user's cache, the most recently used first.",
  examples: [
    ['dimgx cache ls', 'list the blobs'],
    ['dimgx cache ls --json', 'list them as JSON'],
  ],
  options: {},
  json: 'print JSON',
  async run({ library }) {
    const list = await listCache(library);
    return { text: () => table(list), json: () => listJson(list) };
  },
});

/** The kind of a blob is `null` if it is unknown. Times are RFC 3339. */
function listJson({ folder, limit, size, blobs, partial }: CacheList) {
  const rows = blobs.map(({ digest, size, indexSize, lastUsed, kind = null, names }) => {
    return { digest, size, indexSize, lastUsed, kind, names };
  });
  return { folder, limit, size, blobs: rows, partial };
}

function table({ folder, limit, size, blobs, partial }: CacheList): string {
  const now = new Date();
  const rows = [
    ...blobs.map(({ digest, size, kind, lastUsed, names }) => [
      ...[digest, prettyBytes(size), kind ?? '-', relativeTime(lastUsed.toISOString(), now)],
      printable(names.join(', '), 200),
    ]),
    ...partial.map((file) => [
      file.digest,
      prettyBytes(file.size),
      'cut off',
      relativeTime(file.lastWritten.toISOString(), now),
      '',
    ]),
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
  async *run({ library }) {
    const { damaged, whole, size } = await verifyCache(library);
    yield {
      text: () => `${digestLines('damaged', damaged)}${whole} blobs are intact, ${prettyBytes(size)} hashed\n`,
      json: () => ({ damaged, whole, size }),
    };
    if (damaged.length > 0) throw discarded(damaged.length, damaged.length + whole);
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
  async run({ given: { all, size }, library }) {
    const { removed, freed, kept } = await pruneCache({ ...library, maxSize: all ? 0 : size });
    return {
      text: () => `${digestLines('removed', removed)}${prettyBytes(freed)} freed, ${prettyBytes(kept)} kept\n`,
      json: () => ({ removed, freed, kept }),
    };
  },
});

export const cacheRm = defineCommand({
  describe: 'Removes blobs from the cache. Each is named by its digest, or by the first four or more digits of it.',
  examples: [['dimgx cache rm 3e1c9749', 'remove one blob']],
  operands: { name: 'DIGEST', count: 'some', wanted: 'needs at least one digest' },
  options: {},
  json: 'print JSON',
  async run({ operands, library }) {
    const { removed } = await removeBlobs(operands, library);
    return { text: () => digestLines('removed', removed), json: () => ({ removed }) };
  },
});

function digestLines(what: string, digests: readonly string[]): string {
  return digests.map((digest) => `${what}: ${digest}\n`).join('');
}
