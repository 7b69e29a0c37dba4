import { createHash } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, test } from 'vitest';
import type { BlobCache } from '#dimgx/cache/blob-cache.js';
import { openBlobCache } from '#dimgx/cache/open-blob-cache.js';
import type { LayerKeeper } from '#dimgx/image/layer.js';
import { Budget } from '#dimgx/inspect/budget.js';
import { indexPlainLayer } from '#dimgx/inspect/index-layer.js';
import {
  decodeLayerIndex,
  encodeLayerIndex,
  INDEX_VERSION,
  keepIndex,
  keptIndex,
  type LayerKey,
} from '#dimgx/layer/kept-index.js';
import type { LayerContents } from '#dimgx/layer/layer-index.js';
import type { Digest } from '#dimgx/reference/digest.js';
import { randomBlob } from '../helpers/blobs.js';
import { temporaryFolder } from '../helpers/members.js';
import { type RawEntry, rawLayer } from '../helpers/raw-layer.js';

const KEY: LayerKey = { digest: randomBlob(1).digest, diffId: randomBlob(1).digest };

/** Something of all that the columns hold. */
const ENTRIES: readonly RawEntry[] = [
  { name: './', type: '5', mode: 0o755 },
  { name: './etc/', type: '5', mode: 0o1777, uid: 1000, gid: 2 ** 20 },
  { name: './etc/passwd', content: 'root:x:0:0', mtime: 1_700_000_000 },
  { name: 'etc/link', type: '2', link: '../usr' },
  { name: '/etc/hard', type: '1', link: './etc/passwd' },
  { name: 'etc/null', type: '3', device: [0, 0] },
  { name: 'etc/.wh.gone' },
  {
    name: 'x',
    content: 'y'.repeat(600),
    pax: [
      ['path', `long/${'n'.repeat(300)}/\xc3\xa9`],
      ['mtime', '1.25'],
      ['odd', 'z'],
    ],
  },
  { name: 'raw\xff\xfe', link: '' },
  { name: 'sparse', type: 'S', magic: 'gnu', content: 'abc', sparse: { map: [[1000, 3]], size: 5000 } },
  { name: 'contiguous', type: '7' },
  { name: 'owned', owners: ['daemon', ''] },
];

async function indexOf(entries: readonly RawEntry[]): Promise<LayerContents> {
  const layer = rawLayer(entries);
  const budget = new Budget({ maxSize: 2 ** 50, maxEntries: 2 ** 30 });
  const read = (bytes: Uint8Array, position: number) => {
    layer.copy(bytes, 0, position, position + bytes.length);
  };
  const io = {
    read: () => read,
    paced: () => read,
    write: () => expect.unreachable(),
    whole: <T>(work: () => T) => work(),
  };
  return indexPlainLayer({ file: -1, offset: 0, length: layer.length }, io, budget);
}

function keeperIn(cache: BlobCache): LayerKeeper {
  const { digest } = KEY;
  return {
    load: () => cache.loadDerived(digest),
    save: (parts) => cache.saveDerived(digest, parts),
    discard: () => cache.discard(digest),
  };
}

const encode = (index: LayerContents) => new Uint8Array(Buffer.concat(encodeLayerIndex(KEY, index)));

describe('the index of a layer', () => {
  let cache: BlobCache;
  beforeEach(async () => {
    const folder = join(await temporaryFolder(), 'cache');
    cache = await openBlobCache({ cache: folder, env: {}, warn: ({ message }) => expect.unreachable(message) });
  });

  it('comes back as it was, of that layer alone', async () => {
    const index = await indexOf(ENTRIES);
    const layer = { ...KEY, keeper: keeperIn(cache) };
    expect(await keptIndex(layer)).toBeUndefined();
    await keepIndex(layer, index);
    expect(await keptIndex(layer)).toEqual(index);
    expect(await keptIndex({ ...layer, diffId: KEY.digest })).toBeUndefined();
    expect(decodeLayerIndex(encode(index), { ...KEY, digest: KEY.diffId })).toBeUndefined();
    await cache.discard(KEY.digest);
    expect(await keptIndex(layer)).toBeUndefined();
  });

  it('is not kept without a cache', async () => {
    const none = await openBlobCache({ cache: false, env: {}, warn: () => expect.unreachable() });
    const layer = { ...KEY, keeper: keeperIn(none) };
    await keepIndex(layer, await indexOf(ENTRIES));
    expect(await keptIndex(layer)).toBeUndefined();
  });

  test('of any layer comes back as it was', async () => {
    const text = fc.string({
      unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 40,
    });
    const safe = text.map((each) => `n${each.replaceAll('/', 'x')}`);
    const entry = fc.record({
      name: safe,
      content: text,
      type: fc.constantFrom('0', '5', '2'),
      mode: fc.nat(0o7777),
      uid: fc.nat(0o777777),
      gid: fc.nat(0o777777),
      mtime: fc.nat(2 ** 31),
      link: safe,
    });
    const property = fc.asyncProperty(fc.array(entry, { maxLength: 30 }), async (entries) => {
      const index = await indexOf(entries.map((each) => ({ ...each, content: each.type === '0' ? each.content : '' })));
      expect(decodeLayerIndex(encode(index), KEY)).toEqual(index);
    });
    await fc.assert(property, { numRuns: 100 });
  });

  test('of no entries comes back, too, from wherever in memory', async () => {
    const index = await indexOf([]);
    const bytes = encode(index);
    for (let shift = 0; shift < 9; shift++) {
      const moved = new Uint8Array(bytes.length + shift).subarray(shift);
      moved.set(bytes);
      expect(decodeLayerIndex(moved, KEY)).toEqual(index);
    }
  });
});

describe('an index that is damaged is none', () => {
  test('by any byte that is another', async () => {
    const bytes = encode(await indexOf(ENTRIES));
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [1 << (at % 8), 0xff]) {
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] as number) ^ flip;
        expect(decodeLayerIndex(damaged, KEY), `byte ${at} of ${bytes.length}`).toBeUndefined();
      }
    }
  });

  test('by any cut, and by what follows', async () => {
    const bytes = encode(await indexOf(ENTRIES));
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeLayerIndex(bytes.slice(0, length), KEY)).toBeUndefined();
    }
    expect(decodeLayerIndex(new Uint8Array([...bytes, 0]), KEY)).toBeUndefined();
  });

  test('by random bytes', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      const bytes = new Uint8Array([...Buffer.from('dimgxIDX'), ...noise]);
      expect(decodeLayerIndex(bytes, KEY)).toBeUndefined();
      expect(decodeLayerIndex(noise, KEY)).toBeUndefined();
    });
    fc.assert(property, { numRuns: 1000 });
  });
});

test('what the same bytes give has not changed since the version was raised', async () => {
  const key = { digest: `sha256:${'1'.repeat(64)}`, diffId: `sha256:${'2'.repeat(64)}` } as const satisfies Record<
    string,
    Digest
  >;
  const bytes = Buffer.concat(encodeLayerIndex(key, await indexOf(ENTRIES)));
  // When this fails, old indexes no longer say what a scan would: raise INDEX_VERSION, and write down the new hash.
  expect([INDEX_VERSION, createHash('sha256').update(bytes).digest('hex')]).toEqual([
    9,
    '2762c61489345ccae5415910ae2d0e9c3a1f4c6438805afbd3b962a627349d92',
  ]);
});
