import { openCacheFiles, withStoreErrors } from '../../cache/cache-folder.js';
import { findBlobs } from '../../cache/find-blobs.js';
import { usageError } from '../options/usage-error.js';
import { defineCommand } from './command.js';

export const command = defineCommand({
  usage: 'DIGEST...',
  describe: 'Removes blobs from the cache. Each is named by its digest, or by the first four or more digits of it.',
  examples: [['dimgx cache rm 3e1c9749', 'remove one blob']],
  options: {},
  async run(_, operands, { env, print }) {
    if (operands.length === 0) throw usageError('cache rm wants digests');
    const { files } = await openCacheFiles(env);
    await withStoreErrors(files.folder, async () => {
      const found = findBlobs(await files.entries(), operands);
      for (const { digest } of found) await files.remove(digest);
      await print(found.map(({ digest }) => `removed: ${digest}\n`).join(''));
    });
  },
});
