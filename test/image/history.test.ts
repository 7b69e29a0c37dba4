import { describe, expect, test } from 'vitest';
import { DescriptorFile } from '#dimgx/base/io/held-file.js';
import { historyOfLayers, historyRows } from '#dimgx/image/history.js';
import type { StoredLayer } from '#dimgx/image/layer.js';

const steps = [
  { history: { createdBy: 'ADD' }, madeLayer: true },
  { history: { createdBy: 'ENV' }, madeLayer: false },
  { history: { createdBy: 'RUN' }, madeLayer: true },
];

function layer(name: string, createdBy?: string): StoredLayer {
  const blob = { file: new DescriptorFile({ fd: 0 }), offset: 0, length: 0 };
  return { name, blob, compression: 'none', mediaType: '', tags: [], ...(createdBy && { history: { createdBy } }) };
}

describe('history', () => {
  test('goes to the layers that its steps made', () => {
    expect(historyOfLayers(2, steps)).toEqual([{ createdBy: 'ADD' }, { createdBy: 'RUN' }]);
  });

  test('gives a row for every step, with the layer it made', () => {
    const [base, top] = [layer('a'), layer('b')];
    expect(historyRows([base, top], steps).map((row) => row.layer)).toEqual([base, undefined, top]);
  });

  test.each([0, 1, 3])('says nothing of an image with %i layers when it counts two', (count) => {
    const layers = Array.from({ length: count }, (_, index) => layer(String(index)));
    expect(historyOfLayers(count, steps)).toEqual(layers.map(() => ({})));
    expect(historyRows(layers, steps)).toEqual(layers.map((each) => ({ history: {}, layer: each })));
  });

  test('may be absent', () => {
    const only = layer('a');
    expect(historyRows([only], [])).toEqual([{ history: {}, layer: only }]);
  });
});
