import { Transform } from 'node:stream';
import { expect, test } from 'vitest';
import { DecodedPieces, type OpenDecoder } from '#dimgx/extract/read/decoded-pieces.js';
import { DecodedReader } from '#dimgx/extract/read/decoded-reader.js';
import { NeededEntries } from '#dimgx/extract/read/needed-entries.js';
import { ReorderBuffer } from '#dimgx/extract/read/reorder-buffer.js';
import { EntryTable } from '#dimgx/layer/entry-table.js';
import { EntryTableBuilder } from '#dimgx/layer/entry-table-builder.js';
import type { IndexedLayer } from '#dimgx/layer/layer-index.js';
import { emptyEntry } from '#dimgx/tar/entry.js';
import { type Random, seeded } from '../../fuzz/random.js';
import { text } from '../../helpers/codec-samples.js';
import { shortOrLong } from '../../helpers/short-or-long.js';
import { storedRegion } from '../../helpers/stored-region.js';

const BLOCK = 512;
const AHEAD = 16 * 1024;
const bytes = text(2_000_000);

interface Span {
  readonly start: number;
  readonly dataOffset: number;
  readonly end: number;
}

/** Entries one after another, as in a layer, as many as fit. */
function randomEntries(random: Random): readonly Span[] {
  const entries: Span[] = [];
  for (let at = 0; ; ) {
    const dataOffset = at + BLOCK * (1 + random(3));
    const end = dataOffset + BLOCK * random(random(10) === 0 ? 300 : 20);
    if (end > bytes.length) return entries;
    entries.push({ start: at, dataOffset, end });
    at = end;
  }
}

/** A layer with these entries. Its decoder changes nothing, and counts what it is given. */
async function layerOf(entries: readonly Span[]) {
  const builder = new EntryTableBuilder();
  for (const [i, entry] of entries.entries()) {
    builder.add({ ...emptyEntry(), ...entry, headerOffset: entry.dataOffset - BLOCK, name: Buffer.from(`f${i}`) });
  }
  const stored = await storedRegion(bytes);
  const layer = {
    layer: { name: 'a' },
    bytes: { stored, compression: 'gzip', length: bytes.length, decoderMemory: 0 },
    entries: new EntryTable(builder.finish()),
    verified: Promise.resolve({}),
  } as unknown as IndexedLayer;
  const decoder = new Transform({
    highWaterMark: AHEAD,
    transform: (piece: Buffer, _, done) => done(null, Buffer.from(piece)),
  });
  const seen = { decoded: 0 };
  const push = decoder.push.bind(decoder);
  decoder.push = (piece) => {
    seen.decoded += piece?.length ?? 0;
    return push(piece);
  };
  const open: OpenDecoder = async () => decoder;
  const needed = new NeededEntries(layer);
  const buffer = new ReorderBuffer({ explain: (failure) => failure });
  const reader = () => new DecodedReader(layer, needed, new DecodedPieces(layer.bytes, open, AHEAD), buffer);
  return { needed, reader, buffer, decoder, seen };
}

/** The numbers of `count` entries, some of them moved. */
function nearlySorted(count: number, random: Random, moved: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let n = 0; n < moved; n++) {
    const [at = 0] = order.splice(random(count), 1);
    order.splice(random(count), 0, at);
  }
  return order;
}

test('any entries are read in any order, and what lies behind the last one is not decoded', async () => {
  const random = seeded(1);
  for (let run = 0; run < shortOrLong(30, 250); run++) {
    const entries = randomEntries(random);
    const last = 1 + random(entries.length);
    const order = nearlySorted(last, random, random(2) * random(last)).filter(() => random(4) > 0);
    const { needed, reader, buffer, decoder, seen } = await layerOf(entries);
    const again = new Set(order.filter(() => random(8) === 0));
    for (const entry of order) needed.needWhole(entry);
    for (const entry of again) needed.needHeaders(entry);
    const reads = reader();
    if (random(5) === 0) await reads.keepAll();
    for (const entry of order) {
      const { start, dataOffset, end } = entries[entry] as Span;
      if (again.has(entry)) {
        const headers = await reads.readHeaders({ from: start, to: dataOffset });
        expect(bytes.subarray(start, dataOffset).equals(headers)).toBe(true);
      }
      const middle = start + random(end - start + 1);
      const [first, second] = [Buffer.alloc(middle - start), Buffer.alloc(end - middle)];
      await reads.read([{ from: start, into: first }]);
      await reads.read([{ from: middle, into: second }]);
      expect(bytes.subarray(start, end).equals(Buffer.concat([first, second]))).toBe(true);
    }
    await expect.poll(() => order.length === 0 || decoder.destroyed).toBe(true);
    expect(seen.decoded).toBeLessThan(needed.end + 4 * AHEAD);
    await reads.close();
    await buffer.close();
  }
});

test('once a read has failed, so do all that follow', async () => {
  const entries = randomEntries(seeded(2));
  const { needed, reader, buffer, decoder } = await layerOf(entries);
  for (const entry of entries.keys()) needed.needWhole(entry);
  const reads = reader();
  const { start, end } = entries[1] as Span;
  const into = Buffer.alloc(end - start);
  await reads.read([{ from: start, into }]);
  decoder.destroy(new Error('broken'));
  const { start: far } = entries.at(-1) as Span;
  await expect(reads.read([{ from: far, into: Buffer.alloc(BLOCK) }])).rejects.toThrow('broken');
  await expect(reads.read([{ from: 0, into: Buffer.alloc(BLOCK) }])).rejects.toThrow('broken');
  await reads.close();
  await buffer.close();
});
