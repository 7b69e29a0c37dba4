import prettyBytes from 'pretty-bytes';
import { openCacheFiles, withStoreErrors } from '../../cache/cache-folder.js';
import { verifyCache } from '../../cache/verify-cache.js';
import { DimgxError } from '../../errors.js';
import { usageError } from '../options/usage-error.js';
import { defineCommand } from './command.js';

export const command = defineCommand({
  usage: '',
  describe: 'Hashes every blob in the cache. Damaged blobs are removed and named, and the exit status is 2.',
  examples: [['dimgx cache verify', 'check every blob']],
  options: {},
  async run(_, operands, { env, bar, signal, print }) {
    if (operands.length > 0) throw usageError('cache verify takes no operands');
    const { files } = await openCacheFiles(env);
    await withStoreErrors(files.folder, async () => {
      const entries = await files.entries();
      const total = entries.reduce((sum, { length }) => sum + length, 0);
      let done = 0;
      const onVerified = ({ length }: { readonly length: number }) => {
        done += length;
        bar?.update({ stage: 'verify', item: 'the cache', done, total });
      };
      const damaged = await verifyCache(files, entries, { signal, onVerified });
      bar?.clear();
      const names = damaged.map(({ digest }) => `damaged: ${digest}\n`).join('');
      await print(`${names}${entries.length - damaged.length} blobs are whole, ${prettyBytes(total)} hashed\n`);
      if (damaged.length > 0) throw discarded(damaged.length, entries.length);
    });
  },
});

function discarded(count: number, of: number): DimgxError {
  const message = `${count} of ${of} blobs in the cache were damaged and have been discarded`;
  return new DimgxError('DIMGX_STORE_DAMAGED', `${message}: they are fetched again when they are needed`);
}
