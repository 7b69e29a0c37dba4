import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PathLog } from '#dimgx/unpack/path-log.js';

/** One character, one byte; no NUL. */
const bytes = fc.string({
  unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 40,
});

test('gives back what was appended', () => {
  const records = fc.array(fc.tuple(bytes, bytes, bytes), { maxLength: 50 });
  fc.assert(
    fc.property(records, fc.integer({ min: 1, max: 50 }), (all, times) => {
      const log = new PathLog(2);
      const appended = Array.from({ length: times }, () => all).flat();
      for (const record of appended) log.append(...record);
      expect([...log.records()]).toEqual(appended);
      expect([...log.records()]).toEqual(appended);
      expect([...log.reversed()]).toEqual(appended.toReversed());
    }),
  );
});
