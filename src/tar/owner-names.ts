import { FIELD, isUstar } from './header.js';

const FIRST = FIELD.userName.offset;
const END = FIELD.groupName.offset + FIELD.groupName.length;

/**
 * Whether a header names its owner or group. Any header whose magic begins with `ustar` can: bsdtar reads no more of
 * it. Old headers have no such fields.
 */
export function hasOwnerNames(bytes: Uint8Array, header: number): boolean {
  if (bytes[header + FIRST] === 0 && bytes[header + FIELD.groupName.offset] === 0) return false;
  return isUstar(bytes, header);
}

/**
 * Empties the names of owner and group. The checksum must be set afterwards. Run by root, GNU tar and bsdtar go by
 * these names before the numbers; container engines go by the numbers alone.
 */
export function clearOwnerNames(bytes: Uint8Array, header: number): void {
  bytes.fill(0, header + FIRST, header + END);
}
