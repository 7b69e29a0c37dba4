import { type CacheEntry, type CacheFiles, type PartialFile, removeFile } from './cache-files.js';
import { claimOr, sweepClaims } from './claim.js';

/** Age in milliseconds after which a partial download is no longer resumed. */
const RESUMED_WITHIN = 7 * 86_400_000;

export interface Pruned {
  /** The blobs removed, least recently used first. */
  readonly removed: readonly CacheEntry[];
  /** In bytes. */
  readonly freed: number;
  /** What is left, in bytes. */
  readonly kept: number;
}

/**
 * Shrinks the cache to its limit. Useless files go first, then the least recently used. Blobs that are open elsewhere
 * stay readable there, and downloads in progress are left alone.
 *
 * @param limit in bytes
 * @throws the operating system's error
 */
export async function pruneFiles(files: CacheFiles, limit: number): Promise<Pruned> {
  const entries = await files.entries();
  const unfinished = await files.unfinished();
  await sweepClaims(files.claims);
  for (const digest of await files.orphans()) await removeFile(files.derived(digest));
  const leastRecentlyUsed = [...entries, ...unfinished].sort((a, b) => usedAt(a) - usedAt(b));
  const removed: CacheEntry[] = [];
  let kept = leastRecentlyUsed.reduce((sum, item) => sum + sizeOf(item), 0);
  let freed = 0;
  for (const item of leastRecentlyUsed) {
    if (kept <= limit && !isGivenUp(item)) continue;
    const isGone = 'derived' in item ? await files.remove(item.digest) : await removeUnclaimed(files, item);
    if (!isGone) continue;
    kept -= sizeOf(item);
    freed += sizeOf(item);
    if ('derived' in item) removed.push(item);
  }
  await forgetNames(files);
  return { removed, freed, kept };
}

/**
 * A name is useless without the document it refers to. The names are listed first: another process stores a document
 * before its name, so the documents of all listed names are among the blobs listed later.
 */
async function forgetNames(files: CacheFiles): Promise<void> {
  const names = await files.names();
  const stored = new Set<string>((await files.entries()).map(({ digest }) => digest));
  for (const { path, digest } of names) if (!stored.has(digest)) await removeFile(path);
}

function isGivenUp(item: CacheEntry | PartialFile): boolean {
  return !('derived' in item) && Date.now() - item.lastWritten.getTime() > RESUMED_WITHIN;
}

async function removeUnclaimed(files: CacheFiles, { key, path }: PartialFile): Promise<boolean> {
  const outcome = await claimOr(files.claims, key, async () => 'another process is using it');
  if ('found' in outcome) return false;
  return removeFile(path).finally(() => outcome.claim.release());
}

function usedAt(item: CacheEntry | PartialFile): number {
  return ('derived' in item ? item.lastUsed : item.lastWritten).getTime();
}

function sizeOf(item: CacheEntry | PartialFile): number {
  return 'derived' in item ? item.length + item.derived : item.length;
}
