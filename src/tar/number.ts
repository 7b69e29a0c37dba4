import { DimgxError } from '../errors.js';

const SPACE = 0x20;
const ZERO = 0x30;
const SEVEN = 0x37;
const MAX_INT64 = 2 ** 63;

function refuse(field: string): never {
  throw new DimgxError('DIMGX_TAR_BAD_HEADER', `the ${field} field of a tar header is not a number`);
}

/**
 * Parses a numeric field: octal, with optional blanks or NULs around it, or base-256 if bit 7 of the first byte is set.
 * An empty field is 0. Values beyond 2^53 are approximate.
 *
 * @throws DIMGX_TAR_BAD_HEADER if the field is neither, or the value exceeds 63 bits
 */
export function parseNumber(bytes: Uint8Array, offset: number, length: number, field: string): number {
  let value = 0;
  for (let i = offset; i < offset + length; i++) {
    const byte = bytes[i] as number;
    if (byte >= ZERO && byte <= SEVEN) value = value * 8 + (byte - ZERO);
    else if (byte === 0 && i > offset) return value;
    else return parseOther(bytes, offset, length, field);
  }
  return value;
}

/** The slow path: any field other than digits that start at the first byte and run to a NUL or the end. */
function parseOther(bytes: Uint8Array, offset: number, length: number, field: string): number {
  if (((bytes[offset] as number) & 0x80) !== 0) return parseBase256(bytes, offset, length, field);
  let start = offset;
  let end = offset + length;
  while (start < end && isBlank(bytes[start])) start++;
  while (end > start && isBlank(bytes[end - 1])) end--;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i] as number;
    if (digit === 0) break;
    if (digit < ZERO || digit > SEVEN) refuse(field);
    value = value * 8 + (digit - ZERO);
  }
  return value;
}

/** Whether a nonempty field begins with a NUL: Go reads the number, GNU tar and bsdtar read 0. */
export function isLedByNul(bytes: Uint8Array, offset: number, length: number): boolean {
  return bytes[offset] === 0 && !bytes.subarray(offset, offset + length).every(isBlank);
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === 0;
}

function parseBase256(bytes: Uint8Array, offset: number, length: number, field: string): number {
  const first = bytes[offset] as number;
  const negative = (first & 0x40) !== 0;
  let value = negative ? (first & 0x7f) - 0x80 : first & 0x7f;
  for (let i = offset + 1; i < offset + length; i++) value = value * 256 + (bytes[i] as number);
  if (value >= MAX_INT64 || value < -MAX_INT64) refuse(field);
  return value;
}

/** Number of user or group IDs on Linux. GNU tar fails on higher ones. */
const OWNERS = 2 ** 32;

/**
 * Converts a number to a user or group ID. Negative numbers wrap around as in the kernel: -2, which is nobody on macOS,
 * becomes 4294967294. The highest ID means "no change" to chown(2), and leaves the file with its creator.
 *
 * @returns `undefined` if no file can have this owner
 */
export function ownerOf(value: number): number | undefined {
  if (value >= 0) return value < OWNERS ? value : undefined;
  return value >= -OWNERS / 2 ? value + OWNERS : undefined;
}

/** Writes a numeric field: octal with a terminating NUL if it fits, else base-256 (GNU). */
export function writeNumber(bytes: Uint8Array, offset: number, length: number, value: number): void {
  if (value >= 0 && value < 8 ** (length - 1)) {
    const digits = value.toString(8).padStart(length - 1, '0');
    for (let i = 0; i < length - 1; i++) bytes[offset + i] = digits.charCodeAt(i);
    bytes[offset + length - 1] = 0;
    return;
  }
  let rest = BigInt.asUintN(8 * length, BigInt(value));
  for (let i = length - 1; i >= 0; i--, rest >>= 8n) bytes[offset + i] = Number(rest & 0xffn);
  bytes[offset] = (bytes[offset] as number) | 0x80;
}
