import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { hiddenPlan } from '#dimgx/evidence/hidden-plan.js';
import { Versions } from '#dimgx/evidence/versions.js';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import type { LayerIndex } from '#dimgx/layer/layer-index.js';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import { openImage } from '#dimgx/source/resolve.js';
import { diffIdOf } from '../helpers/built-image.js';
import { dockerV1Archive } from '../helpers/docker-archive.js';
import { type FlattenLayersOptions, type LayerSpec, withLayers } from '../helpers/flatten-layers.js';
import { writeArchive } from '../helpers/members.js';
import { type RawEntry, rawLayer } from '../helpers/raw-layer.js';
import { readTar } from '../helpers/read-tar.js';

const file = (name: string, content = ''): RawEntry => ({ name, content });
const dir = (name: string): RawEntry => ({ name, type: '5' });
const link = (name: string, target: string): RawEntry => ({ name, type: '1', link: target });

function hiddenTar(indexes: readonly LayerIndex[], options: FlattenLayersOptions = {}): Promise<Buffer> {
  const { excludeDevices = false, paths } = options;
  const plan = mergeLayers(indexes, { explain: true, excludeDevices, ...(paths && { paths }) });
  return buffer(extractLayers(hiddenPlan(new Versions(plan))));
}

/** `NAME` of each entry, of files also its size, of links what it is linked to; `@N` stands for `layer-N-DIFFID12`. */
async function shown(layers: readonly LayerSpec[], options: FlattenLayersOptions = {}): Promise<string[]> {
  const tar = await withLayers(layers, options, (indexes) => hiddenTar(indexes, options));
  const folders = layers.map((layer, i) => `layer-${i + 1}-${hexOf(layer).slice(0, 12)}`);
  const short = (name: string) => folders.reduce((text, folder, i) => text.replaceAll(folder, `@${i + 1}`), name);
  return readTar(tar).map(({ name, type, link: target, fields }) => {
    return short(`${name}${type === '1' ? ` = ${target}` : fields.size === '' ? '' : ` ${fields.size}`}`);
  });
}

function hexOf(layer: LayerSpec): string {
  return diffIdOf(layer instanceof Uint8Array ? layer : rawLayer(layer)).replace('sha256:', '');
}

test.each<[string, readonly LayerSpec[], readonly string[]]>([
  ['nothing where nothing is hidden', [[dir('d'), file('d/f')], [dir('d')]], []],
  ['what is hidden, in a folder for its layer', [[file('a', '1')], [file('.wh.a')]], ['@1/a 1']],
  [
    'layers from the oldest, the paths of each in order',
    [[file('b', '1'), file('a/c', '12')], [file('b', '123'), dir('a')], [file('.wh..wh..opq')]],
    ['@1/a/c 2', '@1/b 1', '@2/a/', '@2/b 3'],
  ],
  ['no directory without an entry', [[file('d/e/f')], [file('.wh.d')]], ['@1/d/e/f 0']],
  ['no directory that was only emptied', [[dir('d'), file('d/f', '1')], [file('d/.wh..wh..opq')]], ['@1/d/f 1']],
  [
    'hidden names of one file, linked',
    [
      [file('a', '1'), link('b', 'a')],
      [file('.wh.a'), file('.wh.b')],
    ],
    ['@1/a 1', '@1/b = @1/a'],
  ],
  [
    'hidden names of one file in several layers, linked to the first',
    [[file('z', '1')], [link('a', 'z')], [file('.wh.z'), file('.wh.a')]],
    ['@1/z 1', '@2/a = @1/z'],
  ],
  [
    'a copy of what lives on under another name',
    [
      [file('a', '1'), link('b', 'a'), link('c', 'a')],
      [file('.wh.a'), file('.wh.c')],
    ],
    ['@1/a 1', '@1/c = @1/a'],
  ],
  [
    'a link that is the only hidden name, with the contents',
    [[file('a', '1'), link('b', 'a')], [file('.wh.b')]],
    ['@1/b 1'],
  ],
  [
    'all but the last of three duplicates, each in a folder of its own',
    [[file('a', '1'), file('a', '12'), file('a', '123')], [file('.wh.a')]],
    ['@1/a 3', '@1-entry-2/a 2', '@1-entry-1/a 1'],
  ],
  [
    'the last of three duplicates that a fourth hides in its place',
    [[file('a', '1'), file('a', '12'), file('a', '123'), file('a', '1234')]],
    ['@1/a 3', '@1-entry-2/a 2', '@1-entry-1/a 1'],
  ],
  [
    'a file, then a directory with a child, then a file: the child cannot be below the last',
    [[file('a', '1'), dir('a'), file('a/f', '12'), file('a', '123')], [file('.wh.a')]],
    ['@1/a 3', '@1-entry-2/a/', '@1-entry-1/a 1', '@1-entry-3/a/f 2'],
  ],
  [
    'a directory and its child in their places if only they are hidden',
    [[dir('a'), file('a/f', '12'), file('a', '123')]],
    ['@1/a/', '@1/a/f 2'],
  ],
  [
    'children of two directories that were at one place',
    [[dir('a'), file('a/f', '1'), file('a'), dir('a'), file('a/g', '12')], [file('.wh.a')]],
    ['@1/a/', '@1/a/f 1', '@1/a/g 2', '@1-entry-3/a 0', '@1-entry-1/a/'],
  ],
  [
    'leftovers of AUFS, and the contents of hard links to them twice',
    [[file('.wh..wh.plnk/1', '1'), link('a', '.wh..wh.plnk/1')]],
    ['@1/.wh..wh.plnk/1 1'],
  ],
  [
    'what symlinks led to, at the path they led to',
    [[dir('d'), { name: 's', type: '2', link: 'd' }, file('s/f', '1')], [file('.wh.d')]],
    ['@1/d/', '@1/d/f 1'],
  ],
])('has %s', async (_, layers, expected) => expect(await shown(layers)).toEqual(expected));

test('has only what is asked for', async () => {
  const layers = [
    [file('a', '1'), file('b', '12'), { name: 'c', type: '3', device: [1, 3] as const }],
    [file('.wh.a'), file('.wh.b'), file('.wh.c')],
  ];
  expect(await shown(layers, { paths: ['-a'] })).toEqual(['@1/b 2', '@1/c']);
  expect(await shown(layers, { excludeDevices: true })).toEqual(['@1/a 1', '@1/b 2']);
});

test('numbers layers as in the image, whatever is selected', async () => {
  const layers = [[file('x')], [file('a', '1')], [file('a', '12')]];
  expect(await shown(layers, { select: [1, 2] })).toEqual(['@3/a 2']);
});

test('keeps headers as the flat tar does: xattrs, owners, times, sparse contents, later links', async () => {
  const stored = { uid: 3_000_000, mode: 0o4755, mtime: -5, pax: [['SCHILY.xattr.user.x', '\xff\0\n']] as const };
  const sparse = { type: 'S', magic: 'gnu', sparse: { map: [[512, 3]] as const, size: 1000 } } as const;
  const layer: RawEntry[] = [
    { ...stored, name: 'a', content: '1' },
    { ...sparse, name: 'b', content: 'abc' },
    { ...link('c', 'a'), mode: 0o600, pax: [['SCHILY.xattr.user.y', 'z']] },
  ];
  const hide = [file('.wh.a'), file('.wh.b'), file('.wh.c')];
  const entries = (tar: Buffer) => readTar(tar).map(({ fields }) => fields);
  const hidden = await withLayers([layer, hide], {}, (indexes) => hiddenTar(indexes));
  const flat = await withLayers([layer], {}, (indexes) => buffer(extractLayers(indexes)));
  expect(entries(hidden)).toEqual(entries(flat));
  expect(entries(hidden)[0]).toMatchObject({ mode: '0600', xattrs: 'user.x=0xff000a user.y=0x7a' });
});

test('has paths that are as long as any may be, and longer by the folder', async () => {
  const long = `${`${'n'.repeat(255)}/`.repeat(15)}${'m'.repeat(255)}`;
  const layers = [
    [file(long, '1'), link('b', long)],
    [file(`.wh.${'n'.repeat(250)}`), file('.wh..wh..opq')],
  ];
  expect(await shown(layers)).toEqual([`@1/b 1`, `@1/${long} = @1/b`]);
  expect(
    await shown([[file('b', '1'), link(long, 'b'), link(`${long.slice(0, -1)}o`, long)], [file('.wh..wh..opq')]]),
  ).toEqual(['@1/b 1', `@1/${long} = @1/b`, `@1/${long.slice(0, -1)}o = @1/b`]);
});

test('names layers of archives of 2015 after their legacy IDs', async () => {
  const [base, top] = ['1'.repeat(64), '2'.repeat(64)];
  const archive = await writeArchive(
    dockerV1Archive([
      { id: base, layer: rawLayer([file('a')]) },
      { id: top, parent: base, layer: rawLayer([file('.wh.a')]), tags: ['old:1'] },
    ]),
  );
  const image = await openImage(`docker-archive:${archive}`);
  try {
    const tar = await hiddenTar(await inspectLayers(image));
    expect(readTar(tar).map(({ name }) => name)).toEqual(['layer-1-111111111111/a']);
  } finally {
    await image.close();
  }
});
