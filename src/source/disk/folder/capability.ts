import type { IdMap } from './id-map.js';

const NAME = 'security.capability';

/** Length of the attribute in its third form, in bytes. Source: Linux, include/uapi/linux/capability.h. */
const NAMESPACED = { length: 24, revision: 0x03 } as const;
/** The second form has no user. */
const PLAIN = { length: 20, revision: 0x02 } as const;

/**
 * Attributes as the container sees them. A capability that was set in a user namespace names the root of it on the disk;
 * inside, the kernel shows the form without a user. Source: capabilities(7), Namespaced file capabilities.
 */
export function xattrsInside(
  xattrs: readonly (readonly [name: string, value: Uint8Array])[],
  uids: IdMap,
): readonly (readonly [name: string, value: Uint8Array])[] {
  if (!xattrs.some(([name]) => name === NAME)) return xattrs;
  return xattrs.map(([name, value]) =>
    name === NAME ? ([name, capabilityInside(value, uids)] as const) : [name, value],
  );
}

function capabilityInside(value: Uint8Array, uids: IdMap): Uint8Array {
  const bytes = Buffer.from(value);
  const isNamespaced = bytes.length === NAMESPACED.length && bytes[3] === NAMESPACED.revision;
  if (!isNamespaced || uids.toContainer(bytes.readUInt32LE(PLAIN.length)) !== 0) return value;
  const plain = Buffer.from(bytes.subarray(0, PLAIN.length));
  plain[3] = PLAIN.revision;
  return plain;
}
