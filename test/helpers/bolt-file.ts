import { fnv1a } from '#dimgx/source/disk/database/bolt-pages.js';

/** What a bucket has: values and other buckets, by their keys. */
export interface BoltTree {
  readonly [key: string]: string | Uint8Array | BoltTree;
}

interface BoltShape {
  /** In bytes. */
  readonly pageSize?: number;
  /** Most elements of a page. */
  readonly most?: number;
}

type Element = readonly [key: Buffer, value: Buffer, isBucket: boolean];

const [HEADER, ELEMENT, BRANCH, LEAF] = [16, 16, 1, 2];

/**
 * The bytes of a bbolt database. Buckets without buckets in them are inline, as far as they are small; the others have
 * leaves, and branches above them.
 */
export function boltFile(tree: BoltTree, { pageSize = 4096, most = 1000 }: BoltShape = {}): Buffer {
  const pages: Buffer[] = [Buffer.alloc(pageSize), Buffer.alloc(pageSize), Buffer.alloc(pageSize)];
  const write = (flags: number, elements: readonly Element[]): bigint => {
    const page = pageOf(flags, elements);
    const number = pages.length;
    const padded = Buffer.concat([page, Buffer.alloc((pageSize - (page.length % pageSize)) % pageSize)]);
    padded.writeBigUInt64LE(BigInt(number), 0);
    padded.writeUInt32LE(padded.length / pageSize - 1, 12);
    for (let at = 0; at < padded.length; at += pageSize) pages.push(padded.subarray(at, at + pageSize));
    return BigInt(number);
  };
  const root = (bucket: BoltTree): bigint => {
    let [level, flags] = [elementsOf(bucket, store), LEAF];
    for (;;) {
      const parts = split(level, flags, pageSize, most);
      const written = parts.map(
        (part): Element => [part[0]?.[0] ?? Buffer.alloc(0), number(write(flags, part)), false],
      );
      if (written.length === 1) return (written[0] as Element)[1].readBigUInt64LE(0);
      [level, flags] = [written, BRANCH];
    }
  };
  const store = (bucket: BoltTree): Buffer => {
    const isFlat = Object.values(bucket).every((value) => typeof value === 'string' || value instanceof Uint8Array);
    const page = isFlat ? pageOf(LEAF, elementsOf(bucket, store)) : undefined;
    if (page && page.length <= pageSize / 4) return Buffer.concat([number(0n), number(0n), page]);
    return Buffer.concat([number(root(bucket)), number(0n)]);
  };
  const top = root(tree);
  const file = Buffer.concat(pages);
  for (const transaction of [8, 9]) writeMeta(file, { pageSize, root: top, high: BigInt(pages.length), transaction });
  return file;
}

interface MetaFields {
  readonly pageSize: number;
  readonly root: bigint;
  readonly high: bigint;
  /** Number of the transaction: the even ones have the first page. */
  readonly transaction: number;
}

/** Writes a meta page. */
export function writeMeta(file: Buffer, { pageSize, root, high, transaction }: MetaFields): void {
  const page = file.subarray((transaction % 2) * pageSize);
  page.writeBigUInt64LE(BigInt(transaction % 2), 0);
  page.writeUInt16LE(4, 8);
  const meta = page.subarray(HEADER);
  meta.writeUInt32LE(0xed0cdaed, 0);
  meta.writeUInt32LE(2, 4);
  meta.writeUInt32LE(pageSize, 8);
  meta.writeBigUInt64LE(root, 16);
  meta.writeBigUInt64LE(2n, 32);
  meta.writeBigUInt64LE(high, 40);
  meta.writeBigUInt64LE(BigInt(transaction), 48);
  meta.writeBigUInt64LE(fnv1a(meta.subarray(0, 56)), 56);
}

/** As Go writes a signed number. Source: encoding/binary, PutVarint. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value) * 2n;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

function elementsOf(bucket: BoltTree, store: (bucket: BoltTree) => Buffer): readonly Element[] {
  const elements = Object.entries(bucket).map(([key, value]): Element => {
    const isValue = typeof value === 'string' || value instanceof Uint8Array;
    return [Buffer.from(key), isValue ? Buffer.from(value as Uint8Array) : store(value), !isValue];
  });
  return elements.sort(([one], [other]) => one.compare(other));
}

/** The elements of each page. A page has one at least, however long that is. */
function split(all: readonly Element[], flags: number, pageSize: number, most: number): readonly Element[][] {
  const parts: Element[][] = [[]];
  let used = HEADER;
  for (const element of all) {
    const [key, value] = element;
    const length = ELEMENT + key.length + (flags === LEAF ? value.length : 0);
    const last = parts.at(-1) as Element[];
    const isFull = last.length === most || used + length > pageSize;
    if (isFull && last.length > 0) {
      parts.push([element]);
      used = HEADER + length;
    } else {
      last.push(element);
      used += length;
    }
  }
  return parts;
}

function pageOf(flags: number, elements: readonly Element[]): Buffer {
  const head = Buffer.alloc(HEADER + elements.length * ELEMENT);
  head.writeUInt16LE(flags, 8);
  head.writeUInt16LE(elements.length, 10);
  const data: Buffer[] = [];
  let place = head.length;
  for (const [i, [key, value, isBucket]] of elements.entries()) {
    const at = HEADER + i * ELEMENT;
    if (flags === LEAF) {
      head.writeUInt32LE(isBucket ? 1 : 0, at);
      head.writeUInt32LE(place - at, at + 4);
      head.writeUInt32LE(key.length, at + 8);
      head.writeUInt32LE(value.length, at + 12);
      data.push(key, value);
      place += key.length + value.length;
    } else {
      head.writeUInt32LE(place - at, at);
      head.writeUInt32LE(key.length, at + 4);
      value.copy(head, at + 8);
      data.push(key);
      place += key.length;
    }
  }
  return Buffer.concat([head, ...data]);
}

function number(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}
