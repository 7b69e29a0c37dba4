import { BoltBucket } from '#dimgx/source/disk/database/bolt.js';
import { BoltPages, fnv1a } from '#dimgx/source/disk/database/bolt-pages.js';
import { type BoltTree, boltFile, varint } from '../../helpers/bolt-file.js';
import { mutatedBytes } from '../mutations/bytes.js';
import { oneOf } from '../random.js';
import { must, type Target } from '../target.js';

/** In bytes: small, so that few keys take several pages. */
const PAGE = 1024;
const META = 16;
/** Entries that one input may have. A damaged one can lead to the same buckets again and again. */
const MOST = 2000;

/** A database of containerd. Its meta pages have right checksums after a mutation, mostly. */
export const bolt: Target<Buffer> = {
  name: 'bolt',
  share: 20,
  batch: 500,
  seeds: () => TREES.flatMap((tree) => [3, 1000].map((most) => boltFile(tree, { pageSize: PAGE, most }))),
  mutate(file, random) {
    if (random(4) === 0) return mutatedBytes(file, random);
    const changed = Buffer.from(file);
    for (let left = 1 + random(3); left > 0 && changed.length > PAGE; left -= 1) {
      // The headers of pages, and the first elements.
      const field = random(Math.ceil(changed.length / PAGE)) * PAGE + 4 * random(random(2) === 0 ? 4 : 40);
      if (field + 4 <= changed.length) changed.writeUInt32LE(oneOf(ODD, random), field);
    }
    for (const at of [0, PAGE].map((page) => page + META)) {
      if (changed.length < at + 64 || random(8) === 0) continue;
      changed.writeBigUInt64LE(fnv1a(changed.subarray(at, at + 56)), at + 56);
    }
    return changed;
  },
  run(file) {
    const read = (position: number, length: number) => file.subarray(position, position + length);
    const pages = new BoltPages({ name: 'meta.db', size: file.length, read });
    must(pages.isCurrent(), 'a database that nobody writes has changed');
    let left = MOST;
    const visit = (bucket: BoltBucket, depth: number): void => {
      for (const { key, value } of bucket.entries()) {
        if (--left < 0) return;
        const part = Buffer.isBuffer(value) ? value : key;
        must(part.buffer === file.buffer || part.length === 0, 'a value is not of the file');
        bucket.value(key.toString('latin1'));
        if (value instanceof BoltBucket && depth < 8) visit(value, depth + 1);
      }
    };
    visit(new BoltBucket(pages, BigInt(pages.root)), 0);
  },
};

const image = (name: string): BoltTree => ({
  target: { digest: `sha256:${'0'.repeat(64)}`, mediatype: 'application/x', size: varint(name.length) },
  createdat: '123456789012345',
});
const images = (count: number): BoltTree =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`docker.io/library/name-${i}`, image(`${i}`)]));
const TREES: readonly BoltTree[] = [
  {},
  { a: 'value', b: {}, long: 'x'.repeat(3 * PAGE) },
  { v1: { default: { images: images(2) }, other: { images: images(12) }, version: varint(3) } },
];
const ODD = [0, 1, 2, 3, 4, 5, 16, 100, PAGE, 0x1_0000, 0x7fff_ffff, 0xffff_ffff];
