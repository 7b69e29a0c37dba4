import { expect, test } from 'vitest';
import { NeededEntries } from '#dimgx/extract/read/needed-entries.js';
import { EntryTable } from '#dimgx/layer/entry-table.js';
import { EntryTableBuilder } from '#dimgx/layer/entry-table-builder.js';
import type { IndexedLayer } from '#dimgx/layer/layer-index.js';
import { emptyEntry } from '#dimgx/tar/entry.js';
import { type Random, seeded } from '../../fuzz/random.js';
import { shortOrLong } from '../../helpers/short-or-long.js';

/** Smaller than in a tar: it makes no difference here. */
const BLOCK = 8;

interface RandomLayer {
  readonly needed: NeededEntries;
  readonly length: number;
  /** How often each byte is read. */
  readonly reads: Uint8Array;
  /** Whether the byte belongs to headers that are read more than once. */
  readonly isKept: Uint8Array;
}

/** A layer of random entries, of which random parts are needed. */
function randomLayer(random: Random): RandomLayer {
  const builder = new EntryTableBuilder();
  const entries = Array.from({ length: random(12) }, () => ({ start: 0, dataOffset: 0, end: 0 }));
  let at = 0;
  for (const [i, entry] of entries.entries()) {
    at += BLOCK * random(2) * random(3); // global headers lie between entries
    entry.start = at;
    entry.dataOffset = at + BLOCK * (1 + random(3));
    entry.end = entry.dataOffset + BLOCK * random(2) * random(9);
    at = entry.end;
    builder.add({ ...emptyEntry(), ...entry, headerOffset: entry.dataOffset - BLOCK, name: Buffer.from(`f${i}`) });
  }
  const last = entries.at(-1);
  const hasPadding = random(3) > 0 || !last || last.end === last.dataOffset;
  const length = hasPadding ? at + BLOCK * random(3) : at - random(BLOCK);
  const needed = new NeededEntries({
    entries: new EntryTable(builder.finish()),
    bytes: { length },
  } as unknown as IndexedLayer);
  const reads = new Uint8Array(length);
  const isKept = new Uint8Array(length);
  for (const [i, { start, dataOffset, end }] of entries.entries()) {
    const [isWhole, headers] = [random(2) === 0, random(2) * random(4)];
    if (isWhole) needed.needWhole(i);
    for (let n = 0; n < headers; n++) needed.needHeaders(i);
    const times = headers + (isWhole ? 1 : 0);
    reads.fill(times, start, dataOffset);
    if (times > 1) isKept.fill(1, start, dataOffset);
    if (isWhole) reads.fill(1, dataOffset, end);
    for (const offset of [start - 1, start, start + 1]) {
      expect(needed.isReadAgain(offset)).toBe(offset === start && times > 1);
    }
  }
  return { needed, length, reads, isKept };
}

test('any cut of any layer gives the bytes that are needed, once each, and how often each is read', () => {
  const random = seeded(1);
  for (let run = 0; run < shortOrLong(400, 1500); run++) {
    const { needed, length, reads, isKept } = randomLayer(random);
    expect(needed.end).toBe(reads.findLastIndex((times) => times > 0) + 1);
    expect(needed.length).toBe(reads.filter((times) => times > 0).length);
    const found = new Uint8Array(length);
    let position = 0;
    const finest = [1, 2, BLOCK, 20 * BLOCK][random(4)] as number;
    while (position < length) {
      const to = Math.min(length, position + 1 + random(finest * 4));
      let before = { to: position - 1, reads: 1 };
      for (const range of needed.between(position, to)) {
        expect(range.from).toBeGreaterThanOrEqual(Math.max(position, before.to));
        expect(range.to).toBeGreaterThan(range.from);
        expect(range.to).toBeLessThanOrEqual(to);
        const joins = range.from === before.to && range.reads === 1 && before.reads === 1;
        const follows = joins && isKept[range.from - 1] === 0;
        expect(follows, 'neighbours that are read once are joined').toBe(false);
        found.fill(range.reads, range.from, range.to);
        expect(new Set(isKept.subarray(range.from, range.to)).size).toBe(1);
        before = range;
      }
      position = to;
      if (random(4) === 0) {
        // what is read directly is not asked for
        const skipped = Math.min(length, position + random(4 * finest));
        found.set(reads.subarray(position, skipped), position);
        position = skipped;
      }
    }
    expect(found).toEqual(reads);
  }
});
