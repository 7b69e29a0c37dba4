import { describe, expect, test } from 'vitest';
import { DescriptorFile } from '#dimgx/base/io/held-file.js';
import { imageJson } from '#dimgx/cli/output/image-json.js';
import { formatListing, listingRows } from '#dimgx/cli/output/listing.js';
import { formatJson } from '#dimgx/cli/output/print.js';
import type { Image } from '#dimgx/image/image.js';
import type { Layer } from '#dimgx/image/layer.js';
import { imageValue, layerValue } from '../../helpers/image-value.js';

const file = new DescriptorFile({ fd: -1 });

const NOW = new Date('2015-06-15T12:00:00Z');
const BASE = layerValue({
  diffId: `sha256:${'39bb'.repeat(16)}`,
  blob: { file, offset: 0, length: 1000 },
  storedSize: 1000,
  history: { created: '2015-06-14T15:00:00Z', createdBy: 'ADD rootfs' },
});
const MIDDLE = layerValue({
  legacyId: 'df2a'.repeat(16),
  diffId: `sha256:${'1111'.repeat(16)}`,
  tags: ['debian:jessie'],
  blob: { file, offset: 0, length: 20 },
  storedSize: 20,
  history: { created: '2015-06-14T16:00:00Z', createdBy: 'RUN  apt-get\n\tupdate \x1b[2J' },
});
const TOP = layerValue({
  imageId: '6667'.repeat(16),
  tags: ['nifty-box:latest', 'other:1'],
  compression: 'gzip',
  blob: { file, offset: 0, length: 3 },
  storedSize: 3,
  history: { created: '2015-06-14T18:00:00Z' },
});
const ENV = { created: '2015-06-14T17:00:00Z', createdBy: 'ENV A=1' };
const IMAGE = imageValue([BASE, MIDDLE, TOP], {
  history: [
    { history: BASE.history ?? {}, layer: BASE },
    { history: MIDDLE.history ?? {}, layer: MIDDLE },
    { history: ENV },
    { history: TOP.history ?? {}, layer: TOP },
  ],
});

function table(
  image: Image,
  selected: readonly Layer[],
  columns?: number,
  specs?: readonly string[],
): readonly string[] {
  const rows = listingRows(image, selected, specs ? { layers: specs } : {});
  return formatListing(rows, { sizeOf: ({ layer }) => layer?.storedSize ?? 0, now: NOW, columns }).split('\n');
}

test('the table, newest first, with the steps that made no layer', () => {
  expect(table(IMAGE, [TOP, MIDDLE, BASE])).toEqual([
    'REPO TAG        IMAGE ID       PARENT ID      CREATED        LAYER SIZE   VIRTUAL SIZE   CREATED BY',
    'nifty-box       666766676667   df2adf2adf2a   18 hours ago   3 B          1.02 kB',
    '-               <missing>      df2adf2adf2a   19 hours ago   0 B          1.02 kB        ENV A=1',
    'debian:jessie   df2adf2adf2a   39bb39bb39bb   20 hours ago   20 B         1.02 kB        RUN apt-get update \\x1b[2J',
    '-               39bb39bb39bb   -              21 hours ago   1 kB         1 kB           ADD rootfs',
    '',
  ]);
});

describe('rows', () => {
  const idsOf = (rows: ReturnType<typeof listingRows>) => rows.map(({ layer }) => layer);

  test('without specs are the whole history, in either direction', () => {
    expect(idsOf(listingRows(IMAGE, [TOP, MIDDLE, BASE], {}))).toEqual([TOP, undefined, MIDDLE, BASE]);
    expect(idsOf(listingRows(IMAGE, [BASE, MIDDLE, TOP], { reverse: true }))).toEqual([BASE, MIDDLE, undefined, TOP]);
  });

  test('with specs are the layers selected, in their order, with the parents they have in the image', () => {
    const rows = listingRows(IMAGE, [BASE, TOP], { layers: ['x'] });
    expect(idsOf(rows)).toEqual([BASE, TOP]);
    expect(rows.map(({ parentId }) => parentId)).toEqual(['', MIDDLE.legacyId]);
  });
});

test('steps that made no layer have an ID, a name and a parent where an engine knows their images', () => {
  const [env, top] = ['e'.repeat(64), 't'.repeat(64)];
  const image = imageValue([BASE, TOP], {
    history: [
      { history: BASE.history ?? {}, layer: BASE },
      { history: ENV, imageId: env, tags: ['base:env'] },
      { history: TOP.history ?? {}, layer: TOP, imageId: top, tags: [] },
    ],
  });
  expect(table(image, [TOP, BASE]).map((line) => line.slice(0, 40).trimEnd())).toEqual(
    [
      'REPO TAG   IMAGE ID       PARENT ID',
      '-          tttttttttttt   eeeeeeeeeeee',
      'base:env   eeeeeeeeeeee   39bb39bb39bb',
      '-          39bb39bb39bb   -',
      '',
    ].map((line) => expect.stringContaining(line.slice(0, 38))),
  );
});

test('the virtual size adds what is listed below', () => {
  const lines = table(IMAGE, [BASE, TOP], undefined, ['x']);
  expect(lines[1]).toMatch(/1 kB {9}1 kB/);
  expect(lines[2]).toMatch(/3 B {10}3 B/);
});

test('nothing selected is the headings alone', () => {
  expect(table(IMAGE, [], undefined, ['x'])).toHaveLength(2);
});

test('a line is cut to the terminal, and a cut shows', () => {
  const lines = table(IMAGE, [TOP, MIDDLE, BASE], 100);
  expect(Math.max(...lines.map((line) => line.length))).toBe(100);
  expect(lines[3]).toMatch(/RUN.*…$/);
});

test('a config of nothing but history is listed all the same', () => {
  const history = Array.from({ length: 300_000 }, () => ({ history: {} }));
  expect(table(imageValue([], { history }), [])).toHaveLength(history.length + 2);
});

test('a tag of megabytes is cut', () => {
  const layer = layerValue({ tags: ['x'.repeat(2 ** 21)] });
  expect(table(imageValue([layer]), [layer]).join('').length).toBeLessThan(1000);
});

describe('JSON', () => {
  const rows = listingRows(IMAGE, [TOP, BASE], { layers: ['x'] });
  const document = imageJson(IMAGE, [TOP, BASE], rows, { contentSizes: new Map([[BASE, 900]]), problems: new Map() });

  test('has the selection in its order, with full IDs and what is known of the sizes', () => {
    expect(document.layers.map(({ position, id, size, storedSize }) => [position, id, size, storedSize])).toEqual([
      [3, '6667'.repeat(16), null, 3],
      [1, '39bb'.repeat(16), 900, 1000],
    ]);
  });

  test('has null where the source says nothing', () => {
    expect(document).toMatchObject({ manifestDigest: null, platform: null, created: null });
    expect(document.layers[0]).toMatchObject({ diffId: null, digest: null, legacyId: null, createdBy: null });
  });

  test('tells in the history which layer a step made', () => {
    const whole = imageJson(IMAGE, [TOP, MIDDLE, BASE], listingRows(IMAGE, [TOP, MIDDLE, BASE], {}), {
      contentSizes: new Map(),
      problems: new Map(),
    });
    expect(whole.history.map(({ layer, createdBy }) => [layer, createdBy])).toEqual([
      [3, null],
      [null, 'ENV A=1'],
      [2, 'RUN  apt-get\n\tupdate \x1b[2J'],
      [1, 'ADD rootfs'],
    ]);
  });

  test('is harmless on a terminal, and parses to what it was', () => {
    const value = { text: 'a\x1b[2J\u0085\u202e\u2066é\x7f\u{e0041}' };
    const text = formatJson(value);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(JSON.parse(text)).toEqual(value);
  });
});
