import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import type { Plan } from '#dimgx/merge/plan.js';
import { type LayerSpec, withLayers } from '../helpers/flatten-layers.js';
import { readTar } from '../helpers/read-tar.js';

const LAYERS: readonly LayerSpec[] = [
  [
    { name: 'etc/', type: '5', mode: 0o700, uid: 7 },
    { name: 'etc/old', content: 'old' },
    { name: 'etc/kept', content: 'kept', mode: 0o640, uid: 1, gid: 2, mtime: 1_000_000_000 },
    { name: 'dir/inside', content: 'x' },
    { name: 'file', content: 'below' },
    { name: 'null', type: '3', device: [1, 3] },
  ],
  [
    { name: 'etc/.wh.old' },
    { name: 'dir/.wh..wh..opq' },
    { name: 'file', content: 'above' },
    { name: 'again', type: '1', link: 'file' },
    { name: 'link', type: '2', link: '../etc/kept' },
  ],
];

test('a plan tells what survives, from which layer, as the tar has it', async () => {
  await withLayers(LAYERS, {}, async (layers) => {
    const plan = mergeLayers(layers);
    const rows = [...plan.survivors()].map(({ path, type, layer, index, link }) => [path, type, layer, index, link]);
    expect(rows).toEqual([
      ['again', 'file', 0, 2, undefined],
      ['dir', 'directory', 1, -1, undefined],
      ['etc', 'directory', 1, 0, undefined],
      ['etc/kept', 'file', 1, 2, undefined],
      ['file', 'hard link', 0, 2, 'again'],
      ['link', 'symlink', 0, 4, '../etc/kept'],
      ['null', 'character device', 1, 5, undefined],
    ]);
    const kept = [...plan.survivors()].find(({ path }) => path === 'etc/kept');
    expect(kept).toMatchObject({ size: 4, mode: 0o640, uid: 1, gid: 2, mtime: 1_000_000_000, mtimeNanos: 0 });
    const tar = readTar(await buffer(extractLayers(plan)));
    expect(tar.map(({ name }) => name.replace(/\/$/, ''))).toEqual(rows.map(([path]) => path));
  });
});

function reasons(plan: Plan) {
  return [...plan.hidden()].map(({ path, layer, reason, by }) => [path, layer, reason, by?.path, by?.layer]);
}

test('a plan tells why the rest is gone, when it is asked to', async () => {
  await withLayers(LAYERS, {}, (layers) => {
    expect(reasons(mergeLayers(layers))).toEqual([]);
    const plan = mergeLayers(layers, { explain: true, excludeDevices: true });
    expect(plan.excluded).toBe(1);
    expect(reasons(plan)).toEqual([
      ['etc/.wh.old', 0, 'marker', undefined, undefined],
      ['dir/.wh..wh..opq', 0, 'marker', undefined, undefined],
      ['etc/old', 1, 'removed', 'etc/.wh.old', 0],
      ['dir/inside', 1, 'opaque', 'dir/.wh..wh..opq', 0],
      ['file', 1, 'replaced', 'file', 0],
      ['null', 1, 'excluded', undefined, undefined],
    ]);
  });
});

test('bytes that are no UTF-8 are kept beside the text', async () => {
  await withLayers([[{ name: 'a\xff' }]], {}, ([layer]) => {
    expect(layer?.entries.length).toBe(1);
    const [view] = layer?.entries ?? [];
    expect(view).toMatchObject({ index: 0, path: 'a\ufffd', type: 'file' });
    expect(Buffer.from(view?.pathBytes ?? [])).toEqual(Buffer.from([0x61, 0xff]));
    expect([layer?.entries.at(1), layer?.entries.at(-1), layer?.entries.at(0.5)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

test('what neither inspectLayers nor mergeLayers made is refused', async () => {
  const usage = expect.objectContaining({ code: 'DIMGX_OPTION_INVALID' });
  expect(() => mergeLayers([{ entries: [] }] as never)).toThrow(usage);
  expect(() => mergeLayers('layers' as never)).toThrow(usage);
  await expect(buffer(extractLayers({ survivors: () => [] } as never))).rejects.toEqual(usage);
});

test('what a callback throws is the cause of DIMGX_CALLBACK_FAILED', async () => {
  await withLayers(LAYERS, {}, (layers) => {
    const mine = new Error('mine');
    const onEntry = () => {
      throw mine;
    };
    const failed = expect.objectContaining({ code: 'DIMGX_CALLBACK_FAILED', cause: mine });
    expect(() => mergeLayers(layers, { onEntry })).toThrow(failed);
  });
});
