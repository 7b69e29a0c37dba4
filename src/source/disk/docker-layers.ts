import { digestOf } from '../../image/checks.js';
import type { Digest } from '../../reference/digest.js';
import { isStoreId } from './store.js';

/** The IDs by which Docker knows layers: of each, with all those below it. Source: OCI image-spec, config.md, ChainID. */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below ? digestOf(Buffer.from(`${below} ${diffId}`)) : diffId);
  }
  return chain;
}

/**
 * Names of the folders of layers. BuildKit chooses shorter ones for the layers that it builds. Source: moby,
 * builder-next/adapters/snapshot/layer.go; buildkit, identity/randomid.go.
 */
export function isCacheId(text: string): boolean {
  return isStoreId(text) || /^[0-9a-z]{25}$/.test(text);
}
