import { DimgxError } from '../errors.js';
import { ownerOf } from './number.js';

/** Maximum size of one PAX, long-name or sparse-map block, in bytes. Source: Go's archive/tar, maxSpecialFileSize. */
export const MAX_EXTENSION = 2 ** 20;

const NUL = 0;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const EQUALS = 0x3d;
const PLUS = 0x2b;
const MINUS = 0x2d;

/**
 * Keys whose values must not contain a NUL. Source: Go's archive/tar, validPAXRecord, which omits the sparse file name:
 * GNU tar would cut the name at the NUL and create a different file from the one the merge saw.
 */
const TEXT_KEYS = new Set(['path', 'linkpath', 'uname', 'gname', 'GNU.sparse.name']);

/** A PAX record: `length key=value\n`. The value is a view of raw bytes. */
export interface PaxRecord {
  /** As latin1. */
  readonly key: string;
  readonly value: Uint8Array;
  /** View of the whole record, including its length and newline. */
  readonly raw: Uint8Array;
}

function refuse(what: string): never {
  throw new DimgxError('DIMGX_TAR_BAD_PAX', `a PAX header is malformed: ${what}`);
}

/**
 * Parses the body of a PAX header into records, in order.
 *
 * @throws DIMGX_TAR_BAD_PAX
 */
export function parsePax(body: Uint8Array): PaxRecord[] {
  const records: PaxRecord[] = [];
  let at = 0;
  while (at < body.length) {
    const record = parseRecord(body, at);
    records.push(record);
    at += record.raw.length;
  }
  return records;
}

function parseRecord(body: Uint8Array, at: number): PaxRecord {
  let length = 0;
  let i = at;
  for (; body[i] !== SPACE; i++) {
    const digit = (body[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 9 || i - at > 7) refuse('a record does not begin with its length');
    length = length * 10 + digit;
  }
  const end = at + length;
  if (i === at || length < 5 || end > body.length) refuse('the length of a record is wrong');
  if (body[end - 1] !== NEWLINE) refuse('a record does not end with a newline');
  const equals = body.indexOf(EQUALS, i + 1);
  if (equals <= i + 1 || equals >= end - 1) refuse('a record has no key');
  const key = latin1(body.subarray(i + 1, equals));
  const value = body.subarray(equals + 1, end - 1);
  if (key.includes('\0') || (TEXT_KEYS.has(key) && value.includes(NUL))) refuse('a name holds a NUL');
  return { key, value, raw: body.subarray(at, end) };
}

/** Encodes a whole record. Its length prefix counts itself. */
export function encodePax(key: string, value: Uint8Array): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`, 'latin1'), value, Buffer.from('\n')]);
}

/**
 * @param value decimal, possibly with a sign
 * @throws DIMGX_TAR_BAD_PAX
 */
export function paxInteger(value: Uint8Array, key: string): number {
  const text = latin1(value);
  if (!/^[+-]?[0-9]{1,19}$/.test(text)) refuse(`${key} is not a number`);
  return Number(text);
}

/** @throws DIMGX_TAR_BAD_PAX */
export function paxOwner(value: Uint8Array, key: string): number {
  const number = paxInteger(value, key);
  return ownerOf(number) ?? refuse(`${key} is ${number}, which is out of range`);
}

/** Whether a number has a sign: Go's reader accepts it, GNU tar rejects it. */
export function isSigned(value: Uint8Array): boolean {
  return value[0] === PLUS || value[0] === MINUS;
}

/**
 * Parses a time with a fraction. Floored: `nanos` counts forward from `seconds`, also for negative times.
 *
 * @throws DIMGX_TAR_BAD_PAX
 */
export function paxTime(value: Uint8Array, key: string): { seconds: number; nanos: number } {
  const match = /^(-?)([0-9]{1,19})(?:\.([0-9]*))?$/.exec(latin1(value));
  if (!match) refuse(`${key} is not a time`);
  const [, sign, whole, fraction = ''] = match;
  const nanos = Number(fraction.slice(0, 9).padEnd(9, '0'));
  if (sign === '') return { seconds: Number(whole), nanos };
  return nanos === 0 ? { seconds: -Number(whole), nanos } : { seconds: -Number(whole) - 1, nanos: 1e9 - nanos };
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
