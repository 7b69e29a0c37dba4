import { sha256 } from './built-image.js';
import type { Member } from './members.js';

/** An archive with one layer, stored as given, for which the config tells this diff ID, be it right or wrong. */
export function storedLayer(bytes: Uint8Array, diffId: string): Record<string, Member> {
  const config = JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [diffId] } });
  const name = `${sha256(config)}.json`;
  return { [name]: config, l: bytes, 'manifest.json': JSON.stringify([{ Config: name, Layers: ['l'] }]) };
}
