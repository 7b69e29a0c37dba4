import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Resources } from '#dimgx/base/io/resources.js';
import { limitsOf } from '#dimgx/base/limits.js';
import { type BoltBucket, readBolt } from '#dimgx/source/disk/database/bolt.js';
import { StoreFiles } from '#dimgx/source/disk/store-files.js';
import { type BoltTree, boltFile, writeMeta } from '../../helpers/bolt-file.js';
import { temporaryFolder } from '../../helpers/members.js';

const PAGE = 4096;
/** Of a database that is too large to be copied into memory, in bytes. */
const LARGE = 33 * 2 ** 20;

/** Opens the folder of a database for one test. */
async function filesWith(bytes: Uint8Array, name = 'x.db') {
  const folder = await temporaryFolder();
  writeFileSync(join(folder, name), bytes);
  const resources = new Resources();
  const files = await StoreFiles.open(folder, { resources, limits: limitsOf(undefined) });
  return { files, path: join(folder, name), [Symbol.asyncDispose]: () => resources.close() };
}

async function read<T>(bytes: Uint8Array, visit: (root: BoltBucket) => T): Promise<T | undefined> {
  await using opened = await filesWith(bytes);
  return readBolt(opened.files, 'x.db', visit);
}

/** A whole bucket, as text. */
function dump(bucket: BoltBucket): object {
  const entries = [...bucket.entries()].map(({ key, value }) => [
    key.toString('latin1'),
    Buffer.isBuffer(value) ? value.toString('latin1') : dump(value),
  ]);
  return Object.fromEntries(entries);
}

const SMALL: BoltTree = { v1: { default: { images: { a: { x: '1' }, b: { x: '2', y: '' } }, empty: {} } } };
const many = (count: number): BoltTree =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`key ${i}`, `value ${i}`]));

const damaged = expect.objectContaining({ code: 'DIMGX_STORE_DAMAGED' });

describe.runIf(process.platform === 'linux')('a bbolt database', () => {
  test('has buckets in buckets, inline and on pages of their own', async () => {
    expect(await read(boltFile(SMALL), dump)).toEqual(SMALL);
    await using opened = await filesWith(boltFile(SMALL));
    truncateSync(opened.path, LARGE);
    expect(readBolt(opened.files, 'x.db', dump)).toEqual(SMALL);
    expect(await read(boltFile(SMALL, { pageSize: 65_536 }), dump)).toEqual(SMALL);
  });

  test.each([
    [3, 30],
    [40, 5000],
    [1000, 20_000],
  ])('has branches over pages of %i elements', async (most, count) => {
    const file = boltFile({ bucket: many(count) }, { most });
    const found = await read(file, (root) => {
      const bucket = root.bucket('bucket');
      const wanted = ['key 0', `key ${count - 1}`, 'key 17', 'key 170', 'a', 'key 1x', 'z'];
      return { all: [...(bucket?.entries() ?? [])].length, some: wanted.map((key) => bucket?.value(key)?.toString()) };
    });
    expect(found?.all).toBe(count);
    const expected = ['value 0', `value ${count - 1}`, 'value 17', count > 170 ? 'value 170' : undefined];
    expect(found?.some).toEqual([...expected, undefined, undefined, undefined]);
  });

  test('has values that overflow into further pages', async () => {
    const long = 'x'.repeat(3 * PAGE);
    expect(await read(boltFile({ a: '1', b: long, c: '3' }), dump)).toEqual({ a: '1', b: long, c: '3' });
  });

  test('tells values from buckets, and what is there from what is not', async () => {
    await read(boltFile({ v: 'x', b: { c: {} } }), (root) => {
      expect(root.value('b')).toBeUndefined();
      expect(root.bucket('v')).toBeUndefined();
      expect(root.bucket('b', 'c')).toBeDefined();
      expect(root.bucket('b', 'd', 'e')).toBeUndefined();
    });
  });

  test('that does not exist is no error', async () => {
    await using opened = await filesWith(boltFile({}));
    expect(readBolt(opened.files, 'y.db', dump)).toBeUndefined();
  });

  test.each([0, 1])('is read by the other meta page if the page %i is torn', async (torn) => {
    for (const pageSize of [1024, 4096, 65_536]) {
      const file = boltFile(SMALL, { pageSize });
      file.writeUInt8(0xff, torn * pageSize + 16 + 20);
      expect(await read(file, dump)).toEqual(SMALL);
    }
  });

  test('is read as of its last transaction', async () => {
    const [old, young] = [boltFile({ a: 'old' }), boltFile({ a: 'young' })];
    const file = Buffer.concat([old, young.subarray(3 * PAGE)]);
    file.writeBigUInt64LE(4n, 4 * PAGE);
    writeMeta(file, { pageSize: PAGE, root: 4n, high: 5n, transaction: 10 });
    expect(await read(file, dump)).toEqual({ a: 'young' });
    writeMeta(file, { pageSize: PAGE, root: 4n, high: 5n, transaction: 6 });
    expect(await read(file, dump)).toEqual({ a: 'old' });
  });

  test('that is small is not read while it is searched', async () => {
    await using opened = await filesWith(boltFile({ a: 'old' }));
    const found = readBolt(opened.files, 'x.db', (root) => {
      writeFileSync(opened.path, '');
      return dump(root);
    });
    expect(found).toEqual({ a: 'old' });
  });

  test('is read again if it was written to meanwhile', async () => {
    await using opened = await filesWith(boltFile({ a: 'old' }));
    truncateSync(opened.path, LARGE);
    let times = 0;
    const found = readBolt(opened.files, 'x.db', (root) => {
      if (times++ > 0) return dump(root);
      const file = boltFile({ a: 'young' });
      writeMeta(file, { pageSize: PAGE, root: 3n, high: 4n, transaction: 10 });
      writeFileSync(opened.path, file);
      truncateSync(opened.path, LARGE);
      throw new Error('what a torn read may lead to');
    });
    expect(found).toEqual({ a: 'young' });
  });

  test('is given up if it is written to all the time', async () => {
    await using opened = await filesWith(boltFile({}));
    truncateSync(opened.path, LARGE);
    let transaction = 10;
    const visit = () => {
      const file = boltFile({});
      writeMeta(file, { pageSize: PAGE, root: 3n, high: 4n, transaction: transaction++ });
      writeFileSync(opened.path, file);
      truncateSync(opened.path, LARGE);
    };
    expect(() => readBolt(opened.files, 'x.db', visit)).toThrow(
      expect.objectContaining({ code: 'DIMGX_SOURCE_CHANGED' }),
    );
    expect(transaction).toBe(20);
  });

  test('is searched past damage on other pages', async () => {
    const file = boltFile({ bucket: many(1000) }, { most: 100 });
    file.fill(0xff, 3 * PAGE, 4 * PAGE);
    expect(await read(file, (root) => root.bucket('bucket')?.value('key 999')?.toString())).toBe('value 999');
    await expect(read(file, dump)).rejects.toEqual(damaged);
  });
});

describe.runIf(process.platform === 'linux')('a bbolt database of an attacker', () => {
  /** Changes the first page that is not a meta page, which is a branch or the only leaf. */
  const changed = (change: (page: Buffer, file: Buffer) => void, tree: BoltTree = { key: 'value' }) => {
    const file = boltFile(tree);
    change(file.subarray(3 * PAGE), file);
    return file;
  };
  /** A branch with the given children, as the root. */
  const branch = (children: readonly bigint[]) => {
    const file = Buffer.alloc(5 * PAGE);
    const page = file.subarray(3 * PAGE);
    page.writeBigUInt64LE(3n, 0);
    page.writeUInt16LE(1, 8);
    page.writeUInt16LE(children.length, 10);
    for (const [i, child] of children.entries()) page.writeBigUInt64LE(child, 16 + 16 * i + 8);
    writeMeta(file, { pageSize: PAGE, root: 3n, high: 5n, transaction: 8 });
    return file;
  };

  test.each<readonly [what: string, file: Buffer]>([
    ['an empty file', Buffer.alloc(0)],
    ['a short file', boltFile(SMALL).subarray(0, 60)],
    ['two torn meta pages', changed((_, file) => file.fill(1, 16 + 56, 16 + 64).fill(1, PAGE + 72, PAGE + 80))],
    ['a file that ends in a page', boltFile(SMALL).subarray(0, 3 * PAGE + 100)],
    ['a page of another number', changed((page) => page.writeBigUInt64LE(7n, 0))],
    ['a page that is no part of a bucket', changed((page) => page.writeUInt16LE(16, 8))],
    ['more elements than a page can hold', changed((page) => page.writeUInt16LE(0xffff, 10))],
    ['a page of 16 TiB', changed((page) => page.writeUInt32LE(0xffff_ffff, 12))],
    ['a key outside of its page', changed((page) => page.writeUInt32LE(PAGE, 16 + 4))],
    ['a key of 4 GiB', changed((page) => page.writeUInt32LE(0xffff_ffff, 16 + 8))],
    ['a value of 4 GiB', changed((page) => page.writeUInt32LE(0xffff_ffff, 16 + 12))],
    ['a value that is called a bucket', changed((page) => page.writeUInt32LE(1, 16))],
    ['a branch that leads to itself', branch([3n])],
    ['a branch that leads to a meta page', branch([1n])],
    ['a branch that leads out of the file', branch([2n ** 63n])],
    ['a branch that leads twice to a page', branch([4n, 4n])],
  ])('is refused: %s', async (_, file) => {
    await expect(read(file, dump)).rejects.toEqual(damaged);
  });

  test('with a root that leads to itself is refused when a key is looked up', async () => {
    await expect(read(branch([3n]), (root) => root.value('key'))).rejects.toEqual(damaged);
  });

  test('cannot make the same pages be read without end', async () => {
    // Each element is the bucket that is the page itself: the tree has no end.
    const endless = changed((page) => {
      page.writeUInt16LE(200, 10);
      for (let i = 0; i < 200; i++) {
        const at = 16 + 16 * i;
        page.writeUInt32LE(1, at);
        page.writeUInt32LE(4000 - at, at + 4);
        page.writeUInt32LE(0, at + 8);
        page.writeUInt32LE(16, at + 12);
      }
      page.writeBigUInt64LE(3n, 4000);
    });
    const visit = (root: BoltBucket) => {
      const visitAll = (bucket: BoltBucket, depth: number): void => {
        for (const { value } of bucket.entries()) if (!Buffer.isBuffer(value) && depth < 6) visitAll(value, depth + 1);
      };
      visitAll(root, 0);
    };
    await expect(read(endless, visit)).rejects.toEqual(damaged);
  });

  test('is not followed out of its folder', async () => {
    await using opened = await filesWith(boltFile(SMALL));
    expect(() => readBolt(opened.files, '../x.db', dump)).toThrow(
      expect.objectContaining({ code: 'DIMGX_SOURCE_UNSAFE_PATH' }),
    );
  });
});
