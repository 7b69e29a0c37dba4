import type { Digest } from '../../reference/digest.js';
import type { TarFiller } from '../assembler.js';
import { TreeDigest } from './tree-digest.js';

/**
 * The same tar, with the digest of its tree computed on the way. The digest is known only at the end, once all layers
 * are verified, because the assembler holds the end mark back until then. Each buffer is hashed when it is filled, so
 * the buffer before it is written meanwhile.
 *
 * @param onTreeDigest called once, after the last byte
 */
export function digestedTar(
  tar: TarFiller,
  onTreeDigest: (digest: Digest) => void,
  signal: AbortSignal | undefined,
): TarFiller {
  const tree = new TreeDigest(signal);
  let isReported = false;
  return {
    onClose: (listener) => tar.onClose(listener),
    close: () => tar.close(),
    async fill(buffer) {
      const filled = await tar.fill(buffer);
      await tree.push(buffer.subarray(0, filled));
      if (filled === 0 && tree.digest !== undefined && !isReported) {
        isReported = true;
        onTreeDigest(tree.digest);
      }
      return filled;
    },
  };
}
