import prettyBytes from 'pretty-bytes';
import { openCacheFiles, withStoreErrors } from '../../cache/cache-folder.js';
import { pruneCache } from '../../cache/prune-cache.js';
import { parseSize } from '../options/parse-number.js';
import { usageError } from '../options/usage-error.js';
import { defineCommand } from './command.js';

const flag = { type: 'boolean' } as const;

export const command = defineCommand({
  usage: '[--all | --size=SIZE]',
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
      type: 'string',
      slot: 'size',
      metavar: '=SIZE',
      describe: 'keep at most SIZE, such as 500M or 2GB (default: DIMGX_CACHE_SIZE, or 10GB)',
    },
  },
  async run({ all, size }, operands, { env, print }) {
    if (operands.length > 0) throw usageError('cache prune takes no operands');
    const { files, limit } = await openCacheFiles(env);
    const most = all ? 0 : size === undefined ? limit : parseSize('--size', size, 0);
    const { removed, freed, kept } = await withStoreErrors(files.folder, () => pruneCache(files, most));
    const lines = removed.map(({ digest }) => `removed: ${digest}\n`).join('');
    await print(`${lines}${prettyBytes(freed)} freed, ${prettyBytes(kept)} kept\n`);
  },
});
