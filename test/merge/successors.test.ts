import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Column } from '#dimgx/merge/node.js';
import { Successors } from '#dimgx/merge/successors.js';

const columnOf = (values: readonly number[]) => {
  const column = new Column(16);
  for (const value of values) column.push(value);
  return column;
};

test('each node becomes what its successors, one after the other, became', () => {
  // every node may have one successor, with a higher number; in any order
  const some = fc
    .array(fc.nat(30), { maxLength: 40 })
    .map((steps) => steps.flatMap((step, node) => (step > 0 ? [[node, node + step] as const] : [])));
  const shuffled = some.chain((pairs) => fc.shuffledSubarray(pairs, { minLength: pairs.length }));
  fc.assert(
    fc.property(shuffled, (pairs) => {
      const successors = new Successors(columnOf(pairs.map(([node]) => node)), columnOf(pairs.map(([, next]) => next)));
      const next = new Map(pairs);
      const lastOf = (node: number): number => {
        const after = next.get(node);
        return after === undefined ? node : lastOf(after);
      };
      for (let node = 0; node < 80; node++) expect(successors.lasting(node)).toBe(lastOf(node));
      const visited: (readonly [number, number])[] = [];
      successors.each((emptied, lasting) => visited.push([emptied, lasting]));
      expect(visited).toEqual([...next.keys()].sort((one, other) => one - other).map((node) => [node, lastOf(node)]));
    }),
  );
});
