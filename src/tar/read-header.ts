import { DimgxError } from '../errors.js';
import { type EntryDraft, QUIRK } from './entry.js';
import { checksum, dialectOf, FIELD, type Field, prefixField, signedChecksum, TYPE, textField } from './header.js';
import { isLedByNul, ownerOf, parseNumber } from './number.js';
import { hasOwnerNames } from './owner-names.js';

/** Maximum major or minor device number. Source: Linux and GNU tar, which use 32-bit types. */
const MAX_DEVICE = 2 ** 32 - 1;

/** @throws DIMGX_TAR_BAD_HEADER */
export function checkSum(bytes: Uint8Array, header: number): void {
  const { offset, length } = FIELD.checksum;
  const isOctal = ((bytes[header + offset] as number) & 0x80) === 0;
  const claimed = isOctal ? parseNumber(bytes, header + offset, length, 'checksum') : -1;
  if (claimed === checksum(bytes, header) || claimed === signedChecksum(bytes, header)) return;
  throw new DimgxError('DIMGX_TAR_BAD_HEADER', 'the checksum of a tar header is wrong');
}

/**
 * Reads the fields of an entry's own header: name (with its prefix), link, owner, size, time and device.
 *
 * @param header index of the header in `bytes`
 * @param base added to an index into `bytes` to get an offset in the archive
 * @throws DIMGX_TAR_BAD_HEADER
 */
export function readHeader(bytes: Uint8Array, header: number, base: number, draft: EntryDraft): void {
  draft.headerOffset = base + header;
  draft.mode = numberField(bytes, header, FIELD.mode, 'mode') & 0o7777;
  draft.uid = ownerField(bytes, header, FIELD.uid, 'uid', draft);
  draft.gid = ownerField(bytes, header, FIELD.gid, 'gid', draft);
  draft.size = numberField(bytes, header, FIELD.size, 'size');
  draft.mtime = numberField(bytes, header, FIELD.mtime, 'mtime');
  draft.mtimeNanos = 0;
  if (mayBeLedByNul(bytes, header)) noteLedByNul(bytes, header, draft);
  draft.link = textField(bytes, header + FIELD.link.offset, FIELD.link.length);
  draft.name = textField(bytes, header + FIELD.name.offset, FIELD.name.length);
  if (hasOwnerNames(bytes, header)) draft.quirks |= QUIRK.ownerName;
  const dialect = dialectOf(bytes, header);
  draft.deviceMajor = dialect === 'old' ? 0 : deviceField(bytes, header, FIELD.deviceMajor, 'deviceMajor');
  draft.deviceMinor = dialect === 'old' ? 0 : deviceField(bytes, header, FIELD.deviceMinor, 'deviceMinor');
  if (dialect === 'ustar') {
    draft.name = prefixed(bytes, header, draft.name);
  } else if (dialect === 'gnu' && hasTextForTimes(bytes, header)) {
    const prefix = textField(bytes, header + FIELD.prefix.offset, FIELD.prefix.length);
    if (prefix.every((byte) => byte < 0x80)) draft.name = joined(prefix, draft.name);
    draft.quirks |= QUIRK.gnuPrefix;
  }
}

const NUMBERS = [FIELD.mode, FIELD.uid, FIELD.gid, FIELD.size, FIELD.mtime];
const DEVICE_NUMBERS = [...NUMBERS, FIELD.deviceMajor, FIELD.deviceMinor];

/** A quick check that rules out most headers, since it runs on every one. */
function mayBeLedByNul(bytes: Uint8Array, header: number): boolean {
  const first = (field: Field) => bytes[header + field.offset] as number;
  const { mode, uid, gid, size, mtime } = FIELD;
  const least = Math.min(first(mode), first(uid), first(gid), first(size), first(mtime));
  return least === 0 || isDevice(bytes, header);
}

function noteLedByNul(bytes: Uint8Array, header: number, draft: EntryDraft): void {
  const numbers = isDevice(bytes, header) ? DEVICE_NUMBERS : NUMBERS;
  if (numbers.some(({ offset, length }) => isLedByNul(bytes, header + offset, length))) draft.quirks |= QUIRK.number;
}

function isDevice(bytes: Uint8Array, header: number): boolean {
  const type = bytes[header + FIELD.type.offset];
  return type === TYPE.charDevice || type === TYPE.blockDevice;
}

/** @param name for messages */
function numberField(bytes: Uint8Array, header: number, { offset, length }: Field, name: string): number {
  return parseNumber(bytes, header + offset, length, name);
}

function ownerField(bytes: Uint8Array, header: number, field: Field, name: string, draft: EntryDraft): number {
  const number = numberField(bytes, header, field, name);
  const owner = ownerOf(number);
  if (owner === undefined) {
    throw new DimgxError('DIMGX_TAR_BAD_HEADER', `the ${name} of an entry is ${number}, which is out of range`);
  }
  if (number < 0) draft.quirks |= QUIRK.number;
  return owner;
}

/** Device numbers are ignored unless the entry is a device. */
function deviceField(bytes: Uint8Array, header: number, field: Field, name: string): number {
  const number = numberField(bytes, header, field, name);
  if (!isDevice(bytes, header) || (number >= 0 && number <= MAX_DEVICE)) return number;
  throw new DimgxError('DIMGX_TAR_BAD_HEADER', `the device number ${number} of an entry is out of range`);
}

function prefixed(bytes: Uint8Array, header: number, name: Uint8Array): Uint8Array {
  if (bytes[header + FIELD.prefix.offset] === 0) return name;
  const { offset, length } = prefixField(bytes, header);
  return joined(textField(bytes, header + offset, length), name);
}

function joined(prefix: Uint8Array, name: Uint8Array): Uint8Array {
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
}

/**
 * Go before 1.8 wrote long names into a GNU header as if it had a prefix field; its readers have handled such headers
 * since. It wrote no sparse files, whose map occupies the same bytes.
 */
function hasTextForTimes(bytes: Uint8Array, header: number): boolean {
  if (bytes[header + FIELD.type.offset] === TYPE.gnuSparse) return false;
  const { gnuAccessTime, gnuChangeTime } = FIELD;
  if (bytes[header + gnuAccessTime.offset] === 0 && bytes[header + gnuChangeTime.offset] === 0) return false;
  return [gnuAccessTime, gnuChangeTime].some(({ offset, length }) => {
    if (bytes[header + offset] === 0) return false;
    try {
      parseNumber(bytes, header + offset, length, 'time');
      return false;
    } catch {
      return true;
    }
  });
}
