import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PathTable } from '#dimgx/evidence/bag/path-table.js';
import { shortOrLong } from '../../helpers/short-or-long.js';

const digestOf = (row: number) => row.toString(16).padStart(8, '0');

function tableOf(paths: readonly string[]) {
  const table = new PathTable(4);
  for (const [row, path] of paths.entries()) table.add(path, digestOf(row));
  return { table, twice: table.sort() };
}

describe('a table of paths', () => {
  test('finds each path with its digest, and no other; the unseen come in order', () => {
    const byte = fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code));
    const path = fc.array(byte, { maxLength: 12 }).map((characters) => characters.join(''));
    fc.assert(
      fc.property(fc.uniqueArray(path, { maxLength: 300 }), path, (paths, other) => {
        const { table, twice } = tableOf(paths);
        expect(twice).toBeUndefined();
        expect(table.length).toBe(paths.length);
        for (const [row, text] of paths.entries()) {
          const found = table.find(text);
          expect(table.path(found)).toBe(text);
          expect(table.digest(found).toString('hex')).toBe(digestOf(row));
          if (row % 2 === 0) table.see(found);
        }
        if (!paths.includes(other)) expect(table.find(other)).toBe(-1);
        expect([...table.unseen()]).toEqual(paths.filter((_, row) => row % 2 === 1).sort());
      }),
      { numRuns: shortOrLong(100, 2000) },
    );
  });

  test.each([[['a', 'b', 'a']], [['a', 'a', 'b']], [['b', 'a', 'c', 'a', 'd']]])(
    'finds what is twice in %j',
    (paths) => {
      expect(tableOf(paths).twice).toBe('a');
    },
  );

  test('has a limit', () => {
    const table = new PathTable(4, 1024);
    table.add('a'.repeat(1000), digestOf(0));
    table.add('b'.repeat(24), digestOf(1));
    const message = 'the paths in a manifest of the bag take more than 1 KiB';
    expect(() => table.add('c', digestOf(2))).toThrow(expect.objectContaining({ code: 'DIMGX_LIMIT_NAMES', message }));
  });
});
