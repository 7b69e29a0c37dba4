import { DimgxError } from '../errors.js';
import { QUIRK, REWRITE, type TarEntry } from '../tar/entry.js';
import { TYPE } from '../tar/header.js';
import { cleanPath, isCanonical, isDotted, MAX_PATH } from '../tar/path.js';
import { isXattr } from '../tar/portable-record.js';
import { type EntryColumns, FLAG } from './entry-table.js';

/** Maximum total length of the names in a layer, in bytes: what the columns can address. */
const MAX_NAMES = 2 ** 31 - 1;

type NumberColumn = Float64Array | Uint32Array | Uint16Array | Uint8Array;
type Columns = { -readonly [K in keyof EntryColumns]: EntryColumns[K] };

/** Collects the entries of a layer in columns that grow by doubling. */
export class EntryTableBuilder {
  #columns: Columns = emptyColumns(1024, new Uint8Array(64 * 1024));
  #length = 0;
  #names = 0;

  get length(): number {
    return this.#length;
  }

  /**
   * Copies the relevant fields of an entry.
   *
   * @throws DIMGX_ENTRY_UNSAFE_NAME, DIMGX_LIMIT_NAMES
   */
  add(entry: TarEntry): void {
    if (this.#length === this.#columns.start.length) this.#growRows();
    const columns = this.#columns;
    const i = this.#length++;
    const path = cleanPath(entry.name, 'refuse');
    const link = entry.type === TYPE.hardLink ? cleanPath(entry.link, 'clamp') : entry.link;
    if (link.length > MAX_PATH && entry.type === TYPE.symlink) throw longTarget(link.length);
    columns.start[i] = entry.start;
    columns.end[i] = entry.end;
    columns.size[i] = entry.size;
    columns.headerLength[i] = entry.headerOffset - entry.start;
    columns.dataLength[i] = entry.dataOffset - entry.start;
    this.#addName(path);
    columns.linkStart[i] = this.#names;
    if (entry.type === TYPE.hardLink || entry.type === TYPE.symlink) this.#addName(link);
    else if (entry.type === TYPE.charDevice || entry.type === TYPE.blockDevice) this.#addName(deviceNumbers(entry));
    columns.nameEnd[i] = this.#names;
    columns.type[i] = entry.type;
    columns.flags[i] = flagsOf(entry, path, link);
    columns.mode[i] = entry.mode;
    columns.uid[i] = entry.uid;
    columns.gid[i] = entry.gid;
    columns.mtime[i] = entry.mtime;
    columns.mtimeNanos[i] = entry.mtimeNanos;
  }

  /** Returns the columns, trimmed to their length. The builder must not be used afterwards. */
  finish(): EntryColumns {
    const cut = <T extends NumberColumn>(column: T, length: number) => column.slice(0, length) as T;
    const { names, length: _, ...rows } = this.#columns;
    const columns = Object.fromEntries(Object.entries(rows).map(([key, column]) => [key, cut(column, this.#length)]));
    return { ...(columns as typeof rows), names: cut(names, this.#names), length: this.#length };
  }

  #addName(name: Uint8Array): void {
    const end = this.#names + name.length;
    if (end > this.#columns.names.length) {
      this.#columns.names = withRoom(this.#columns.names, end, 'the names in a layer take over 2 GiB');
    }
    this.#columns.names.set(name, this.#names);
    this.#names = end;
  }

  #growRows(): void {
    const { names, length: _, ...rows } = this.#columns;
    const larger = emptyColumns(this.#columns.start.length * 2, names);
    for (const [key, column] of Object.entries(rows)) (larger[key as keyof typeof rows] as NumberColumn).set(column);
    this.#columns = larger;
  }
}

/**
 * Copies names into a larger column.
 *
 * @param needed room that is needed, in bytes; more than there is
 * @param refusal message of the error
 * @throws DIMGX_LIMIT_NAMES
 */
export function withRoom(names: Uint8Array, needed: number, refusal: string): Uint8Array {
  if (needed > MAX_NAMES) throw new DimgxError('DIMGX_LIMIT_NAMES', refusal);
  const larger = new Uint8Array(Math.min(MAX_NAMES, Math.max(needed, names.length * 2)));
  larger.set(names);
  return larger;
}

function longTarget(length: number): DimgxError {
  const message = `the target of a symlink is ${length} bytes long, over ${MAX_PATH}`;
  return new DimgxError('DIMGX_ENTRY_UNSAFE_NAME', message);
}

/** One object literal for all sizes: if the next size had another hidden class, `add` would be compiled anew. */
function emptyColumns(rows: number, names: Uint8Array): Columns {
  return {
    length: 0,
    start: new Float64Array(rows),
    end: new Float64Array(rows),
    size: new Float64Array(rows),
    headerLength: new Uint32Array(rows),
    dataLength: new Uint32Array(rows),
    linkStart: new Uint32Array(rows),
    nameEnd: new Uint32Array(rows),
    names,
    type: new Uint8Array(rows),
    flags: new Uint32Array(rows),
    mode: new Uint16Array(rows),
    uid: new Float64Array(rows),
    gid: new Float64Array(rows),
    mtime: new Float64Array(rows),
    mtimeNanos: new Uint32Array(rows),
  };
}

/** Major and minor number, 32 bits each, most significant byte first. */
function deviceNumbers({ deviceMajor, deviceMinor }: TarEntry): Uint8Array {
  const numbers = new DataView(new ArrayBuffer(8));
  numbers.setUint32(0, deviceMajor);
  numbers.setUint32(4, deviceMinor);
  return new Uint8Array(numbers.buffer);
}

const KEPT = REWRITE | QUIRK.oldSparse | QUIRK.windowsRecord | QUIRK.escapedXattr | QUIRK.ownerName;

function flagsOf(entry: TarEntry, path: Uint8Array, link: Uint8Array): number {
  let flags = entry.quirks & KEPT;
  if (!isCanonical(entry.name, path, entry.type === TYPE.directory)) flags |= FLAG.name;
  if (isDotted(entry.name)) flags |= FLAG.dotted;
  if (entry.type === TYPE.hardLink) {
    if (!isCanonical(entry.link, link, false)) flags |= FLAG.link;
    if (entry.pax.some(isXattr)) flags |= FLAG.linkXattrs;
  }
  if (entry.type === TYPE.charDevice && entry.deviceMajor === 0 && entry.deviceMinor === 0) flags |= FLAG.nullDevice;
  return flags;
}
