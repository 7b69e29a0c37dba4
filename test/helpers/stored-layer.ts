import { sha256 } from './built-image.js';
import type { Member } from './members.js';

/** An archive with one layer, stored as given. The config states this diff ID, whether or not it is correct. */
export function storedLayer(bytes: Uint8Array, diffId: string): Record<string, Member> {
  const config = JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [diffId] } });
  const name = `${sha256(config)}.json`;
  return { [name]: config, l: bytes, 'manifest.json': JSON.stringify([{ Config: name, Layers: ['l'] }]) };
}
