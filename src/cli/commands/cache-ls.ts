import prettyBytes from 'pretty-bytes';
import { printable } from '../../base/text/printable.js';
import { blobKind } from '../../cache/blob-kind.js';
import type { CacheEntry, CacheFiles, NamedDigest } from '../../cache/cache-files.js';
import { openCacheFiles, withStoreErrors } from '../../cache/cache-folder.js';
import { OPTION_TABLE } from '../options/option-table.js';
import { usageError } from '../options/usage-error.js';
import { alignColumns } from '../output/align-columns.js';
import { formatJson } from '../output/format-json.js';
import { relativeTime } from '../output/relative-time.js';
import { defineCommand } from './command.js';

/** The document that `--json` prints. Later versions may add keys but remove none. */
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

export const command = defineCommand({
  usage: '[--json]',
  describe: "Lists the blobs in the user's cache, the most recently used first.",
  examples: [
    ['dimgx cache ls', 'list the blobs'],
    ['dimgx cache ls --json', 'list them as JSON'],
  ],
  options: { json: { ...OPTION_TABLE.json, describe: 'print JSON' } },
  async run({ json }, operands, { env, print }) {
    if (operands.length > 0) throw usageError('cache ls takes no operands');
    const { files, limit } = await openCacheFiles(env);
    const listed = await withStoreErrors(files.folder, () => list(files, limit));
    await print(json ? formatJson(listed) : table(listed));
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
