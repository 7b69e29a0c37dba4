import { describe, expect, test } from 'vitest';
import { listVersions, type Version } from '#dimgx/evidence/list-versions.js';
import { Versions } from '#dimgx/evidence/versions.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import type { LayerIndex } from '#dimgx/layer/layer-index.js';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import { openImage } from '#dimgx/source/resolve.js';
import { dockerV1Archive } from '../helpers/docker-archive.js';
import { type FlattenLayersOptions, type LayerSpec, withLayers } from '../helpers/flatten-layers.js';
import { writeArchive } from '../helpers/members.js';
import { type RawEntry, rawLayer } from '../helpers/raw-layer.js';

const file = (name: string, content = ''): RawEntry => ({ name, content });
const dir = (name: string): RawEntry => ({ name, type: '5' });
const link = (name: string, target: string): RawEntry => ({ name, type: '1', link: target });
const symlink = (name: string, target: string): RawEntry => ({ name, type: '2', link: target });
const device = (name: string, major: number): RawEntry => ({ name, type: '3', device: [major, 0] });

function versionsOf(layers: readonly LayerSpec[], options: FlattenLayersOptions = {}): Promise<Version[]> {
  const { excludeDevices = false, paths } = options;
  const only = { excludeDevices, ...(paths && { paths }) };
  return withLayers(layers, options, (indexes: readonly LayerIndex[]) => [...listVersions(indexes, only)]);
}

/** `PATH@LAYER` of each version; of hidden ones also `HOW PATH@LAYER`. */
const shown = ({ path, layer, hiddenBy: by }: Version) =>
  `${path}@${layer}${by ? ` ${by.how} ${by.path}@${by.layer}` : ''}`;

describe('a version is', () => {
  test.each<[string, readonly LayerSpec[], readonly string[]]>([
    ['present if nothing hides it', [[file('a')], [dir('d')]], ['a@1', 'd@2']],
    ['removed by a whiteout of it', [[file('a')], [file('.wh.a')]], ['a@1 removed .wh.a@2']],
    [
      'removed by a whiteout of a directory above',
      [[dir('d'), file('d/e/f')], [file('.wh.d')]],
      ['d@1 removed .wh.d@2', 'd/e/f@1 removed .wh.d@2'],
    ],
    ['removed by a device 0:0', [[file('a')], [device('a', 0)]], ['a@1 removed a@2']],
    [
      'removed by the first that hides it',
      [[dir('d'), file('d/f')], [file('d/.wh.f')], [file('.wh.d')]],
      ['d@1 removed .wh.d@3', 'd/f@1 removed d/.wh.f@2'],
    ],
    [
      'opaque if a marker hides it, and its directory stays',
      [
        [dir('d'), file('d/e/f')],
        [file('d/.wh..wh..opq'), file('d/g')],
      ],
      ['d@1', 'd/g@2', 'd/e/f@1 opaque d/.wh..wh..opq@2'],
    ],
    [
      'opaque if a marker at the root hides it',
      [[dir('./'), file('a'), dir('d'), file('d/f')], [file('.wh..wh..opq')]],
      ['@1', 'a@1 opaque .wh..wh..opq@2', 'd@1 opaque .wh..wh..opq@2', 'd/f@1 opaque .wh..wh..opq@2'],
    ],
    ['replaced by a newer entry', [[file('a')], [file('./a')]], ['a@2', 'a@1 replaced a@2']],
    ['replaced by what a path implies', [[file('a')], [file('a/f')]], ['a@2', 'a/f@2', 'a@1 replaced a/f@2']],
    ['replaced by the directory of a marker', [[file('a')], [file('a/.wh.x')]], ['a@2', 'a@1 replaced a/.wh.x@2']],
    [
      'gone with a parent that became no directory',
      [[dir('d'), dir('d/e'), file('d/e/f')], [file('d')]],
      ['d@2', 'd@1 replaced d@2', 'd/e@1 parent d@2', 'd/e/f@1 parent d@2'],
    ],
    [
      'a duplicate of a later entry',
      [[file('a'), file('a'), file('a')]],
      ['a@1', ...Array(2).fill('a@1 duplicate a@1')],
    ],
    [
      'gone with a parent that its own layer replaces, which is a duplicate',
      [[file('a'), dir('a'), file('a/f'), file('a')]],
      ['a@1', 'a@1 duplicate a@1', 'a@1 duplicate a@1', 'a/f@1 parent a@1'],
    ],
    [
      'removed by its own layer as a leftover of AUFS',
      [[dir('.wh..wh.plnk'), file('.wh..wh.plnk/1'), file('.wh..wh.aufs'), link('a', '.wh..wh.plnk/1')]],
      ['a@1', '.wh..wh.plnk/1@1 removed .wh..wh.plnk@1'],
    ],
    [
      'hidden by a marker as its layer stores it, where symlinks lead it elsewhere',
      [[file('d/f')], [symlink('s', 'd'), file('s/.wh.f')]],
      ['d@1', 's@2', 'd/f@1 removed s/.wh.f@2'],
    ],
    [
      'at the path that symlinks lead its entry to',
      [[dir('d'), symlink('s', 'd'), file('s/f')], [file('.wh.d')]],
      ['s@1', 'd@1 removed .wh.d@2', 'd/f@1 removed .wh.d@2'],
    ],
    [
      'never a directory without an entry once it is hidden',
      [[file('d/f')], [file('.wh.d')]],
      ['d/f@1 removed .wh.d@2'],
    ],
    [
      'the newest of the entries of a directory',
      [[dir('d'), dir('d/e')], [dir('d')], [dir('d')], [file('.wh.d')]],
      ['d/e@1 removed .wh.d@4', 'd@3 removed .wh.d@4'],
    ],
    [
      'one directory, however often it is emptied',
      [
        [dir('d')],
        [file('d/a'), file('d/.wh..wh..opq')],
        [file('d/.wh..wh..opq'), file('d/.wh..wh..opq')],
        [file('.wh.d')],
      ],
      ['d@1 removed .wh.d@4', 'd/a@2 opaque d/.wh..wh..opq@3'],
    ],
    [
      'another one after it is removed',
      [[dir('d')], [file('.wh.d'), dir('d')], [file('d')]],
      ['d@3', 'd@1 removed .wh.d@2', 'd@2 replaced d@3'],
    ],
  ])('%s', async (_, layers, expected) => {
    expect((await versionsOf(layers)).map(shown)).toEqual(expected);
  });

  test('not a hard link to what is in a layer that was not selected', async () => {
    const layers = [[file('a')], [link('b', 'a'), file('c')], [file('.wh.b'), file('.wh.c')]];
    expect((await versionsOf(layers, { select: [2, 1] })).map(shown)).toEqual(['c@2 removed .wh.c@3']);
  });

  test('numbered as in its image, whatever is selected, in whatever order', async () => {
    const layers = [[file('x')], [file('a')], [file('y')], [file('a')]];
    expect((await versionsOf(layers, { select: [1, 3] })).map(shown)).toEqual(['a@2', 'a@4 replaced a@2']);
  });

  test('left out if it is a device that is not wanted', async () => {
    const layers = [
      [device('a', 1), link('b', 'a'), file('c')],
      [file('.wh.a'), file('.wh.c')],
    ];
    expect((await versionsOf(layers, { excludeDevices: true })).map(shown)).toEqual(['c@1 removed .wh.c@2']);
  });

  test.each<[string, readonly string[], readonly string[]]>([
    ['and not those above', ['+d/e/f'], ['d/e@1', 'd/e/f@1', 'd@3']],
    ['and all below', ['-d/e'], ['d@3', 'g@2', 'x@4']],
    ['and not those above what is kept', ['-d', '+d/e'], ['d/e@1', 'd/e/f@1', 'd@3', 'g@2', 'x@4']],
    ['hidden or not', ['+g'], ['g@2']],
    ['present or not', ['+x'], ['x@4']],
  ])('left out if its path is not asked for, %s', async (_, paths, expected) => {
    const layers = [
      [dir('d'), dir('d/e'), file('d/e/f')],
      [file('d/.wh..wh..opq'), file('g')],
      [dir('d'), file('.wh.g')],
      [file('.wh.d'), file('x')],
    ];
    const found = await versionsOf(layers, { paths });
    expect(found.map(({ path, layer }) => `${path}@${layer}`).sort()).toEqual(expected.toSorted());
  });

  test('kept by what is below it only if that is hidden, too', async () => {
    const layers = [
      [dir('d'), file('d/f'), dir('e'), file('e/f')],
      [file('d/.wh.f'), file('.wh.e')],
    ];
    const found = await versionsOf(layers, { paths: ['+*/f'] });
    expect(found.map(shown)).toEqual(['d/f@1 removed d/.wh.f@2', 'e@1 removed .wh.e@2', 'e/f@1 removed .wh.e@2']);
  });
});

describe('of a version is told', () => {
  const told = async (layers: readonly LayerSpec[]) =>
    Object.fromEntries((await versionsOf(layers)).map((version) => [shown(version).split(' ')[0], version]));

  test('its metadata, contents excepted', async () => {
    const stored = { mode: 0o4711, uid: 7, gid: 8, mtime: -2, pax: [['mtime', '-1.5'] as const] };
    const all = await told([
      [
        { ...stored, name: 'f', content: 'text' },
        { ...stored, name: 's', type: '2', link: '\xff' },
        { ...stored, name: 'b', type: '4', device: [259, 70_000] },
      ],
      [file('.wh.f'), file('.wh.s'), file('.wh.b')],
    ]);
    const common = { mode: 0o4711, uid: 7, gid: 8, mtime: -2, mtimeNanos: 500_000_000, state: 'hidden' };
    expect(all['f@1']).toMatchObject({ ...common, type: 'file', size: 4 });
    expect(all['s@1']).toMatchObject({ ...common, type: 'symlink', mode: 0o777, size: 0, target: '\ufffd' });
    expect([...(all['s@1']?.targetBytes ?? [])]).toEqual([0xff]);
    expect(all['b@1']).toMatchObject({ ...common, type: 'block', device: { major: 259, minor: 70_000 } });
  });

  test('its layer by diff ID and command', async () => {
    const [version] = await versionsOf([[file('a')]]);
    expect(version).toMatchObject({ layer: 1, diffId: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
  });

  test('whether a directory is only implied', async () => {
    const all = await told([[file('d/f'), dir('e')]]);
    expect([all['d@1'], all['d/f@1'], all['e@1']].map((version) => version?.implied)).toEqual([true, false, false]);
    expect(all['d@1']).toMatchObject({ type: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: 0 });
  });

  test('the present names of its file, and how many names are present and hidden', async () => {
    const all = await told([
      [file('a', '1'), link('b', 'a'), link('c', 'a'), link('d', 'a'), file('x')],
      [file('.wh.a'), file('.wh.c'), file('.wh.x')],
    ]);
    expect(all['a@1']).toMatchObject({ aliveAs: ['b', 'd'], nlink: 2 });
    expect(all['b@1']).toMatchObject({ aliveAs: [], nlink: 2 });
    expect(all['x@1']).toMatchObject({ aliveAs: [], nlink: 1 });
    const inodes = ['a@1', 'b@1', 'c@1', 'd@1', 'x@1'].map((key) => all[key]?.inode);
    expect(inodes).toEqual([...Array(4).fill(inodes[0]), expect.not.toSatisfy((inode) => inode === inodes[0])]);
  });

  test('the names of its file in all layers, with the metadata of the last link', async () => {
    const all = await told([
      [file('a', '1')],
      [link('b', 'a')],
      [{ ...link('c', 'b'), mode: 0o600 }],
      [file('.wh.a'), file('.wh.b')],
    ]);
    expect(all['a@1']).toMatchObject({ aliveAs: ['c'], nlink: 2, mode: 0o600, size: 1 });
    expect(all['b@2']).toMatchObject({ aliveAs: ['c'], nlink: 2, mode: 0o600, size: 1 });
  });

  test('older entries of its path, newest first, whatever became of them', async () => {
    const versions = await versionsOf([
      [dir('d'), dir('d')],
      [dir('d'), file('d/.wh..wh..opq')],
      [file('.wh.d'), file('d')],
      [file('d/f')],
      [dir('d')],
    ]);
    const shadows = versions.map((version) => [shown(version), ...version.shadows.map(({ layer }) => layer)]);
    expect(shadows).toEqual([
      ['d@5', 3, 2, 1, 1],
      ['d/f@4'],
      ['d@2 removed .wh.d@3', 1, 1],
      ['d@3 replaced d/f@4', 2, 1, 1],
    ]);
    const [newest, , first, second] = versions.map(({ inode }) => inode);
    expect(versions[0]?.shadows.map(({ inode }) => inode)).toEqual([second, first, first, first]);
    expect(new Set([newest, first, second]).size).toBe(3);
  });

  test('all older entries of a path that is only implied', async () => {
    const versions = await versionsOf([[file('d')], [symlink('d', 'x')], [file('d/f')]]);
    expect(versions[0]).toMatchObject({ path: 'd', implied: true, shadows: [{ layer: 2 }, { layer: 1 }] });
  });

  test('no more of what is older or alive than makes sense, and how much more there is', async () => {
    const originsOf = (layers: readonly LayerSpec[]) =>
      withLayers(layers, {}, (indexes) => {
        const versions = new Versions(mergeLayers(indexes, { explain: true }));
        return [...versions.present, ...versions.hidden].map((node) => versions.originOf(node));
      });
    const many = (count: number, make: (i: number) => RawEntry) => Array.from({ length: count }, (_, i) => make(i));
    const [newest] = await originsOf([many(130, () => file('a'))]);
    expect(newest).toMatchObject({ shadows: { length: 128 }, moreShadows: 1 });
    const links = (length: number) => many(130, (i) => link(`${i}`.padEnd(length, 'n'), 'a'));
    const aliases = async (length: number) =>
      (await originsOf([[file('a'), ...links(length)], [file('.wh.a')]])).at(-1);
    expect(await aliases(5)).toMatchObject({ aliveAs: { length: 128 }, moreAliveAs: 2 });
    expect(await aliases(250)).toMatchObject({ aliveAs: { length: 16 }, moreAliveAs: 114 }); // 4,095 bytes at most
  });

  test('one present name, however long it is', async () => {
    const [alias, other] = [1, 2].map((i) => `${`${'n'.repeat(200)}/`.repeat(20)}${i}`) as [string, string];
    const all = await told([[file('a'), link(alias, 'a'), link(other, 'a')], [file('.wh.a')]]);
    expect(all['a@1']).toMatchObject({ aliveAs: [alias] });
  });

  test('a path of 4,095 bytes, as bytes', async () => {
    const long = `${`${'\xff'.repeat(255)}/`.repeat(15)}${'n'.repeat(255)}`;
    const versions = await versionsOf([
      [file(long)],
      [file(`.wh.${'\xff'.repeat(251)}`), file(`.wh.${'\xff'.repeat(255)}`)],
    ]);
    expect(versions).toHaveLength(1);
    expect(Buffer.from(versions[0]?.pathBytes ?? []).toString('latin1')).toBe(long);
  });
});

test('layers of archives of 2015 have no diff ID', async () => {
  const [base, top] = ['1'.repeat(64), '2'.repeat(64)];
  const archive = await writeArchive(
    dockerV1Archive([
      { id: base, layer: rawLayer([file('a')]) },
      { id: top, parent: base, layer: rawLayer([file('.wh.a')]), tags: ['old:1'] },
    ]),
  );
  const image = await openImage(`docker-archive:${archive}`);
  try {
    const versions = [...listVersions(await inspectLayers(image))];
    expect(versions.map(shown)).toEqual(['a@1 removed .wh.a@2']);
    expect(versions[0]).not.toHaveProperty('diffId');
    expect(versions[0]).toMatchObject({ createdBy: '/bin/sh -c echo 1111' });
  } finally {
    await image.close();
  }
});

test('plans that explain nothing are refused', async () => {
  await withLayers([[file('a')]], {}, (indexes) => {
    expect(() => new Versions(mergeLayers(indexes))).toThrow(expect.objectContaining({ code: 'DIMGX_OPTION_INVALID' }));
  });
});

test('an empty selection has no versions', () => expect([...listVersions([])]).toEqual([]));
