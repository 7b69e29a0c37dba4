import type { TarEntry } from './entry.js';
import { QUIRK } from './entry.js';
import { dialectOf, FIELD, type Field } from './header.js';
import { parseNumber } from './number.js';
import { paxTime } from './pax.js';

/** A time: seconds since 1970, floored, and nanoseconds to add. */
export interface EntryTime {
  readonly seconds: number;
  readonly nanos: number;
}

/** Times beside the modification time, as far as the headers have them. */
export interface EntryTimes {
  readonly atime?: EntryTime;
  readonly ctime?: EntryTime;
  /** When the file was created. */
  readonly crtime?: EntryTime;
}

const KEYS = { atime: 'atime', ctime: 'ctime', crtime: 'LIBARCHIVE.creationtime' } as const;

const GNU_FIELDS = { atime: FIELD.gnuAccessTime, ctime: FIELD.gnuChangeTime } as const;

const NO_TIMES: EntryTimes = {};

/**
 * Reads the times of access, of change and of creation: from PAX records, or the first two from a GNU header. A record
 * or field that is malformed counts for nothing.
 *
 * @param entry decoded from `bytes`
 */
export function entryTimes(entry: TarEntry, bytes: Uint8Array): EntryTimes {
  const isGnu = dialectOf(bytes, entry.headerOffset) === 'gnu' && (entry.quirks & QUIRK.gnuPrefix) === 0;
  if (entry.pax.length === 0 && !isGnu) return NO_TIMES;
  const times: Partial<Record<keyof EntryTimes, EntryTime>> = {};
  for (const [name, field] of isGnu ? Object.entries(GNU_FIELDS) : []) {
    const seconds = gnuTime(bytes, entry.headerOffset, field);
    if (seconds !== undefined) times[name as keyof EntryTimes] = { seconds, nanos: 0 };
  }
  for (const [name, key] of Object.entries(KEYS)) {
    const value = entry.pax.findLast((record) => record.key === key)?.value;
    if (value === undefined || value.length === 0) continue;
    try {
      times[name as keyof EntryTimes] = paxTime(value, key);
    } catch {
      // Readers of tars do not need these times either.
    }
  }
  return times;
}

/** @returns `undefined` if the field is empty: GNU tar writes these times only with `--incremental` */
function gnuTime(bytes: Uint8Array, header: number, { offset, length }: Field): number | undefined {
  if (bytes[header + offset] === 0) return undefined;
  try {
    return parseNumber(bytes, header + offset, length, 'time');
  } catch {
    return undefined;
  }
}
