import { digestOf } from '../../image/checks.js';
import type { Digest } from '../../reference/digest.js';

/** The IDs of layers, each together with all those below it. Source: OCI image-spec, config.md, ChainID. */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below ? digestOf(Buffer.from(`${below} ${diffId}`)) : diffId);
  }
  return chain;
}
