import { expect, test } from 'vitest';
import { CacheFiles, writeWhole } from '#dimgx/cache/cache-files.js';
import { pruneFiles } from '#dimgx/cache/prune-files.js';
import { type MadeBlob, randomBlob } from '../helpers/blobs.js';
import { temporaryFolder } from '../helpers/members.js';

/** Stores a blob, what is derived from it, and a name of it, as a download does. */
async function store(files: CacheFiles, { digest, bytes }: MadeBlob): Promise<void> {
  await writeWhole(files.blob(digest), [bytes], files.partials);
  await writeWhole(files.derived(digest), [Buffer.from('index')], files.partials);
  await writeWhole(files.name(digest), [Buffer.from(`${digest}\nname`)], files.partials);
}

test('what another process stores while a cache is tidied stays, with its name', async () => {
  const stored = [randomBlob(100)];
  const files = new (class extends CacheFiles {
    /** The other process stores another blob whenever the blobs have been listed. */
    override async entries() {
      const entries = await super.entries();
      const late = randomBlob(100);
      stored.push(late);
      await store(this, late);
      return entries;
    }
  })(await temporaryFolder());
  for (const blob of stored) await store(files, blob);
  await pruneFiles(files, 10_000);
  const digests = (await files.names()).map(({ digest }) => digest);
  expect(digests.sort()).toEqual(stored.map(({ digest }) => digest).sort());
  expect(stored.length).toBeGreaterThan(1);
  expect(await files.orphans()).toEqual([]);
});

test('a name is forgotten with its blob', async () => {
  const files = new CacheFiles(await temporaryFolder());
  await store(files, randomBlob(100));
  await pruneFiles(files, 10);
  expect(await files.names()).toEqual([]);
});
