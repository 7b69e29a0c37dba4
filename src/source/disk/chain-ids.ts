import { isObject } from '../../base/text/go-json.js';
import { digestOf } from '../../image/checks.js';
import { type Digest, isDigest } from '../../reference/digest.js';

/** The IDs of layers, each together with all those below it. Source: OCI image-spec, config.md, ChainID. */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below ? digestOf(Buffer.from(`${below} ${diffId}`)) : diffId);
  }
  return chain;
}

/** Those that a config names, as it is read from JSON. What is malformed names none. */
export function chainIdsIn(config: unknown): readonly Digest[] {
  const rootfs = isObject(config) && isObject(config.rootfs) ? config.rootfs.diff_ids : undefined;
  const diffIds: readonly unknown[] = Array.isArray(rootfs) ? rootfs : [];
  return chainIds(diffIds.filter((id): id is Digest => typeof id === 'string' && isDigest(id)));
}
