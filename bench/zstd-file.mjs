import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { outputOf, quote } from './shell.mjs';

/**
 * Compresses a file at level 3 with the `zstd` command.
 *
 * @param {string} from @param {string} to
 * @returns {Promise<import('./tar-writer.mjs').Blob>}
 */
export async function zstdFile(from, to) {
  await outputOf(`zstd -q -3 -T0 -o ${quote(to)} ${quote(from)}`);
  const hash = createHash('sha256');
  await pipeline(createReadStream(to, { highWaterMark: 2 ** 20 }), hash);
  return { path: to, digest: `sha256:${hash.digest('hex')}`, size: (await stat(to)).size };
}
