import { expect, test } from 'vitest';
import { listVersions } from '#dimgx/evidence/list-versions.js';
import { withLayers } from '../helpers/flatten-layers.js';
import type { RawEntry } from '../helpers/raw-layer.js';

test.each([1, 2, 253, 254, 255, 256, 257, 1000])('a file of %i names has so many, wherever they are', async (count) => {
  const names = Array.from(
    { length: count },
    (_, i): RawEntry => (i === 0 ? { name: 'd/0' } : { name: `d/${i}`, type: '1', link: 'd/0' }),
  );
  const other: RawEntry = { name: 'other' };
  const counted = (layers: readonly (readonly RawEntry[])[]) =>
    withLayers(layers, {}, (indexes) =>
      [...listVersions(indexes)].flatMap(({ type, nlink, state }) => (type === 'file' ? `${state} ${nlink}` : [])),
    );
  expect(new Set(await counted([[...names, other]]))).toEqual(new Set([`present ${count}`, 'present 1']));
  const hidden = await counted([names, [{ name: '.wh.d' }, other]]);
  expect(hidden).toEqual(['present 1', ...names.map(() => `hidden ${count}`)]);
});
