import { quoted } from '../../../base/text/printable.js';
import { DimgxError } from '../../../errors.js';
import type { StoreFiles } from '../store-files.js';
import { readSettled } from './read-settled.js';
import { SqlitePages } from './sqlite-pages.js';

/** Text and blobs are bytes. Real numbers are not read. */
export type SqliteValue = Buffer | number | null;

/** Limit of the file, in bytes: it is copied into memory. */
const MAX_FILE = 64 * 2 ** 20;
/** First bytes of a journal that may have to be rolled back. */
const JOURNAL = Buffer.from('d9d505f920a163d7', 'hex');

/**
 * Reads an SQLite database that has a rollback journal, as those of engines do. Source: SQLite, Database File Format.
 *
 * @returns `undefined` if there is no such file
 * @throws DIMGX_STORE_DAMAGED; DIMGX_SOURCE_CHANGED if a transaction is under way, or was when the host stopped; as
 *   `StoreFiles.read`; what `visit` throws
 */
export function readSqlite<T>(files: StoreFiles, path: string, visit: (database: SqliteDatabase) => T): T | undefined {
  const bytes = readSettled(files, path, () => {
    const copy = files.readParts(path, (file) => {
      if (file.size > MAX_FILE) throw damaged(path, `is larger than ${MAX_FILE} bytes`);
      const whole = file.read(0, file.size);
      // What was committed meanwhile has left its mark, or its journal is still there.
      return file.read(0, COMMITS_END).equals(whole.subarray(0, COMMITS_END)) ? whole : ('changed' as const);
    });
    const journal = copy && files.readParts(`${path}-journal`, (file) => file.read(0, JOURNAL.length));
    return journal?.equals(JOURNAL) ? 'changed' : copy;
  });
  return bytes && visit(new SqliteDatabase(new SqlitePages(bytes, (what) => damaged(path, what))));
}

/** The header of a file, with its counter of commits. */
const COMMITS_END = 100;

/** The tables of a database. */
export class SqliteDatabase {
  readonly #pages: SqlitePages;

  constructor(pages: SqlitePages) {
    this.#pages = pages;
  }

  /**
   * The rows of a table, in the order of its columns. There are none if there is no such table.
   *
   * @throws DIMGX_STORE_DAMAGED
   */
  *rows(table: string): Generator<readonly SqliteValue[], void, void> {
    for (const [type, name, , root] of this.#rowsAt(1)) {
      if (`${type}` === 'table' && `${name}` === table && typeof root === 'number') return yield* this.#rowsAt(root);
    }
  }

  *#rowsAt(root: number): Generator<readonly SqliteValue[], void, void> {
    for (const record of this.#pages.records(root)) yield this.#valuesOf(record);
  }

  #valuesOf(record: Buffer): readonly SqliteValue[] {
    const pages = this.#pages;
    const header = pages.varint(record, 0);
    const values: SqliteValue[] = [];
    let position = header.value;
    for (let at = header.end; at < header.value; ) {
      const { value: type, end } = pages.varint(record, at);
      at = end;
      const length = lengthOf(type);
      if (position + length > record.length) throw pages.damaged('has a record that is too short');
      values.push(decoded(type, record.subarray(position, position + length)));
      position += length;
    }
    return values;
  }
}

/** Lengths of numbers, by their serial types. */
const LENGTHS = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];
const [EIGHT_BYTES, REAL, ZERO, ONE, FIRST_BYTES] = [6, 7, 8, 9, 12];

function lengthOf(type: number): number {
  return LENGTHS[type] ?? Math.floor((type - FIRST_BYTES) / 2);
}

function decoded(type: number, bytes: Buffer): SqliteValue {
  if (type >= FIRST_BYTES) return bytes;
  if (type === ZERO || type === ONE) return type - ZERO;
  if (type === EIGHT_BYTES) return Number(bytes.readBigInt64BE());
  return bytes.length === 0 || type === REAL ? null : bytes.readIntBE(0, bytes.length);
}

function damaged(path: string, what: string): DimgxError {
  return new DimgxError('DIMGX_STORE_DAMAGED', `the database ${quoted(path)} ${what}`);
}
