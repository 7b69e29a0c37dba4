import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import type { LayerIndex } from '#dimgx/layer/layer-index.js';
import { flattenLayers, withLayers } from '../helpers/flatten-layers.js';
import { extension, paxRecord, type RawEntry, rawLayer } from '../helpers/raw-layer.js';
import { readTar, treeOfTar } from '../helpers/read-tar.js';

const file = (name: string, content: string): RawEntry => ({ name, content });

/** Contents that tell where they come from, so that a byte in the wrong place is seen. */
const content = (name: string, length: number) => name.repeat(Math.ceil(length / name.length)).slice(0, length);

function sums(tar: Buffer): Record<string, string> {
  return Object.fromEntries([...treeOfTar(tar)].map(([path, { sha256 }]) => [path, sha256]));
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex');
}

test.each([1, 511, 512, 513, 16_000, 33_000, 70_000, 1_048_000, 1_048_576, 3_000_000])(
  'survivors between hidden files of %d bytes come through whole',
  async (length) => {
    const names = Array.from({ length: 24 }, (_, i) => `f${i}.`);
    const hidden = names.filter((_, i) => i % 3 === 1);
    const layer = names.map((name, i) => file(name, content(name, i % 3 === 1 ? length : 700 * i)));
    const { tar } = await flattenLayers([layer, hidden.map((name) => file(`.wh.${name}`, ''))]);
    const expected = layer.filter(({ name }) => !hidden.includes(name));
    expect(sums(tar)).toEqual(Object.fromEntries(expected.map((entry) => [entry.name, sha256(entry.content ?? '')])));
  },
);

test('files larger than any buffer, with changed names, come through whole', async () => {
  const [a, b] = [content('a', 5_000_001), content('b', 2_097_152)];
  const { tar } = await flattenLayers([[file('/a', a), file('x/../b', b), file('c', 'c')]]);
  expect(sums(tar)).toEqual({ a: sha256(a), b: sha256(b), c: sha256('c') });
});

test('what is not changed is copied byte for byte', async () => {
  const layer = rawLayer([
    {
      ...file('a', 'hello'),
      uid: 70_000,
      pax: [
        ['mtime', '1.5'],
        ['SCHILY.xattr.user.a', '\0\n=\xff'],
      ],
    },
    file('b', 'x'),
  ]);
  expect((await flattenLayers([layer])).tar.equals(layer)).toBe(true);
});

test('padding and an end mark that a layer lacks are made', async () => {
  const layer = [file('a', 'hello'), file('b', content('b', 700))];
  const whole = (await flattenLayers([layer])).tar;
  expect((await flattenLayers([rawLayer(layer, { zeroBlocks: 0, padded: false })])).tar.equals(whole)).toBe(true);
  expect((await flattenLayers([rawLayer(layer, { zeroBlocks: 1 })])).tar.equals(whole)).toBe(true);
  expect((await flattenLayers([rawLayer(layer, { zeroBlocks: 20 })])).tar.equals(whole)).toBe(true);
});

test('layers without entries make an empty tar', async () => {
  for (const layer of [Buffer.alloc(0), Buffer.alloc(1024), Buffer.alloc(10_240)]) {
    expect((await flattenLayers([layer])).tar.equals(Buffer.alloc(1024))).toBe(true);
  }
});

test('global PAX headers and stray extensions are never copied', async () => {
  const global = extension('g', paxRecord('uid', '7'));
  const layer = [file('a', 'x'), file('b', 'y')];
  const { tar } = await flattenLayers([[global, layer[0] as RawEntry, global, layer[1] as RawEntry, global]]);
  expect(readTar(tar).map(({ name, fields }) => [name, fields.owner])).toEqual([
    ['a', '0:0'],
    ['b', '0:0'],
  ]);
});

test('the same image gives the same bytes, with any number of threads', async () => {
  const layers = [
    [file('d/a', content('a', 9000)), { name: 'b', type: '1', link: 'd/a' }, file('x/y/z', '1')],
    [file('d/.wh.a', ''), file('./x/y/w', '2'), { name: 'n', type: '5' }],
    Array.from({ length: 5000 }, (_, i) => file(`many/${(i * 7919) % 5000}`, content('m', 900))),
  ];
  const tars = await Promise.all([1, 1, 2, 4].map((threads) => flattenLayers(layers, { threads })));
  expect(new Set(tars.map(({ tar }) => sha256(tar.toString('latin1')))).size).toBe(1);
});

test('the end mark is given out only when all layers have been verified', async () => {
  await withLayers([[file('a', 'x')]], {}, async (indexes) => {
    let verify = (_: object) => {};
    const verified = new Promise<object>((resolve) => {
      verify = resolve;
    });
    const stream = extractLayers(indexes.map((index) => ({ ...index, verified })));
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    while (pieces.length === 0) await wait(1);
    for (let i = 0; i < 5; i++) await new Promise(setImmediate);
    expect(Buffer.concat(pieces).length).toBe(1024);
    verify({});
    await new Promise((resolve) => stream.on('end', resolve));
    expect(Buffer.concat(pieces).length).toBe(2048);
  });
});

test('a layer that is not what its digest says ends the stream, also when nothing of it survives', async () => {
  await withLayers([[file('a', 'x')], [file('.wh.a', '')]], {}, async ([newest, oldest]) => {
    const verified = Promise.reject(new Error('damaged'));
    verified.catch(() => undefined);
    const layers = [newest as LayerIndex, { ...(oldest as LayerIndex), verified }];
    await expect(buffer(extractLayers(layers))).rejects.toThrow('damaged');
  });
});

test('an abort ends the stream, read or not', async () => {
  await withLayers([[file('a', content('a', 9_000_000))]], {}, async (indexes) => {
    const controller = new AbortController();
    const stream = extractLayers(indexes, { signal: controller.signal });
    for await (const _ of stream) break;
    const read = extractLayers(indexes, { signal: controller.signal });
    const failure = new Promise<{ code?: string }>((resolve) => read.on('error', resolve));
    controller.abort();
    expect((await failure).code).toBe('DIMGX_ABORTED');
  });
});

test('no more is read than is asked for', async () => {
  await withLayers([[file('a', content('a', 30_000_000))]], {}, async (indexes) => {
    let done = 0;
    const stream = extractLayers(indexes, {
      onProgress: (progress) => {
        done = progress.done;
      },
    });
    stream.read(0);
    while (done === 0) await wait(1);
    await wait(50);
    expect(done).toBeLessThan(5_000_000);
    stream.destroy();
  });
});

test('what the merge refuses fails the stream', async () => {
  await expect(flattenLayers([[{ name: 'a', type: '1', link: 'b' }]])).rejects.toMatchObject({
    code: 'DIMGX_ENTRY_BAD_LINK',
  });
});
