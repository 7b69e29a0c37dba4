import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Resources } from '#dimgx/base/io/resources.js';
import { limitsOf } from '#dimgx/base/limits.js';
import { readSqlite, type SqliteValue } from '#dimgx/source/disk/database/sqlite.js';
import { StoreFiles } from '#dimgx/source/disk/store-files.js';
import { lacks } from '../../helpers/engines.js';
import { temporaryFolder } from '../../helpers/members.js';
import { writeSqlite } from '../../helpers/sqlite-file.js';

/** The rows of a table. */
async function tableIn(bytes: Uint8Array, table = 't', journal?: Uint8Array) {
  const folder = await temporaryFolder();
  writeFileSync(join(folder, 'x.db'), bytes);
  if (journal) writeFileSync(join(folder, 'x.db-journal'), journal);
  const resources = new Resources();
  try {
    const files = await StoreFiles.open(folder, { resources, limits: limitsOf(undefined) });
    return readSqlite(files, 'x.db', (database) => [...database.rows(table)].map((row) => row.map(shown)));
  } finally {
    await resources.close();
  }
}

function shown(value: SqliteValue): string | number | null {
  return Buffer.isBuffer(value) ? value.toString('latin1') : value;
}

async function databaseOf(...statements: readonly string[]): Promise<Buffer> {
  const path = join(await temporaryFolder(), 'made.db');
  await writeSqlite(path, statements);
  return readFileSync(path);
}

const many = (count: number, length: number) =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) INSERT INTO t SELECT i, printf('%.*c', ${length}, 'x') || i FROM n`;

describe.skipIf(lacks('python3'))('tables of SQLite (needs python3)', () => {
  test('have numbers, text, bytes and nothing as they were stored', async () => {
    const values =
      "(1, 'text'), (-1, x'00ff'), (127, NULL), (-129, ''), (70000, 'e'), (-8388609, 'f'), (2147483648, 'g'), (-140737488355329, 'h'), (0, 'i')";
    const bytes = await databaseOf('CREATE TABLE other(a)', 'CREATE TABLE t(a, b)', `INSERT INTO t VALUES ${values}`);
    expect(await tableIn(bytes)).toEqual([
      [1, 'text'],
      [-1, '\0\xff'],
      [127, null],
      [-129, ''],
      [70_000, 'e'],
      [-8_388_609, 'f'],
      [2_147_483_648, 'g'],
      [-140_737_488_355_329, 'h'],
      [0, 'i'],
    ]);
    expect(await tableIn(bytes, 'other')).toEqual([]);
    expect(await tableIn(bytes, 'none')).toEqual([]);
  });

  test.each([
    [512, 5_000, 10],
    [4096, 20_000, 10],
    [4096, 60, 30_000],
    [1024, 200, 990],
    [65_536, 40, 70_000],
  ])('with pages of %d bytes have all of %d rows of %d bytes', async (page, count, length) => {
    const bytes = await databaseOf(`PRAGMA page_size = ${page}`, 'CREATE TABLE t(a, b)', many(count, length));
    const rows = await tableIn(bytes);
    expect(rows).toHaveLength(count);
    for (const [i, [a, b]] of rows?.entries() ?? []) expect([a, b]).toEqual([i + 1, `${'x'.repeat(length)}${i + 1}`]);
  });

  test('that are damaged anywhere are an error, or have what can be read', async () => {
    const bytes = await databaseOf('PRAGMA page_size = 512', 'CREATE TABLE t(a, b)', many(200, 600));
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    const changes = fc.array(change, { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(changes, fc.nat(bytes.length), async (places, length) => {
        const copy = Buffer.from(bytes.subarray(0, length));
        for (const [at, value] of places) if (at < copy.length) copy[at] = value;
        await tableIn(copy).catch((failure) => expect(failure).toMatchObject({ code: 'DIMGX_STORE_DAMAGED' }));
      }),
    );
  });

  test.each([
    ['no database', (bytes: Buffer) => bytes.fill(0, 0, 16), 'is not an SQLite database'],
    ['a database with changes in another file', (bytes: Buffer) => bytes.fill(2, 18, 20), 'in another file'],
    ['a root that is its own child', (bytes: Buffer) => bytes.fill(5, 100, 101), 'loop|outside|not have'],
  ])('of %s are an error', async (_, change, says) => {
    const bytes = await databaseOf('CREATE TABLE t(a, b)', many(3, 3));
    change(bytes);
    const message = expect.stringMatching(says);
    await expect(tableIn(bytes)).rejects.toMatchObject({ code: 'DIMGX_STORE_DAMAGED', message });
  });

  test('are not read in the middle of a transaction', async () => {
    const bytes = await databaseOf('CREATE TABLE t(a, b)', many(3, 3));
    const journal = Buffer.concat([Buffer.from('d9d505f920a163d7', 'hex'), Buffer.alloc(504)]);
    await expect(tableIn(bytes, 't', journal)).rejects.toMatchObject({ code: 'DIMGX_SOURCE_CHANGED' });
    expect(await tableIn(bytes, 't', Buffer.alloc(512))).toHaveLength(3);
  });
});
