import { checksum, FIELD, isUstar } from './header.js';

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
 * Empties the names of owner and group, and corrects the checksum. Run by root, GNU tar and bsdtar go by these names
 * before the numbers; container engines go by the numbers alone.
 */
export function clearOwnerNames(bytes: Uint8Array, header: number): void {
  bytes.fill(0, header + FIRST, header + END);
  setChecksum(bytes, header);
}

/** Writes the checksum as POSIX has it: six octal digits, a NUL and a space. */
export function setChecksum(bytes: Uint8Array, header: number): void {
  const at = header + FIELD.checksum.offset;
  let rest = checksum(bytes, header);
  for (let i = at + 5; i >= at; i--, rest >>>= 3) bytes[i] = 0x30 + (rest & 7);
  bytes[at + 6] = 0;
  bytes[at + 7] = 0x20;
}
