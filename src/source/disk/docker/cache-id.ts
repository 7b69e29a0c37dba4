import { isStoreId } from '../store.js';

/**
 * Names of the folders of layers. BuildKit chooses shorter ones for the layers that it builds. Source: moby,
 * builder-next/adapters/snapshot/layer.go; buildkit, identity/randomid.go.
 */
export function isCacheId(text: string): boolean {
  return isStoreId(text) || /^[0-9a-z]{25}$/.test(text);
}
